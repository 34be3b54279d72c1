/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_experiment.h"

#include <algorithm>
#include <vector>

namespace {

// Layered sum-product decoding in double precision, in the order of rows of LdpcSchedule.
class Reference
{
public:
    explicit Reference(const LdpcSegmentation& s)
        : d_segmentation(s),
          d_code(make_ldpc_code(s.base_graph, s.lifting_size)),
          d_rows(d_code.rows)
    {
        for (const Circulant& circulant : d_code.circulants) {
            d_rows[circulant.row].push_back(circulant);
        }
    }

    // LLRs of the circular buffer -> a-posteriori LLRs of the information bits, as P(1)/P(0).
    std::vector<double> decode(const Llrs& buffer, int iterations)
    {
        const int size = d_code.lifting_size;
        std::vector<double> posterior(d_code.columns() * size, 0.0);
        std::copy(buffer.begin(), buffer.end(), posterior.begin() + 2 * size);
        std::fill(posterior.begin() + d_segmentation.block_bits,
                  posterior.begin() + d_segmentation.information_bits,
                  -1e3);
        std::vector<std::vector<double>> messages(d_code.rows);
        for (int row = 0; row < d_code.rows; row++) {
            messages[row].assign(d_rows[row].size() * size, 0.0);
        }
        for (int i = 0; i < iterations; i++) {
            for (int row = d_code.rows - 1; row >= LDPC_CORE_ROWS; row--) {
                update(row, messages[row], posterior);
            }
            for (int row = 0; row < LDPC_CORE_ROWS; row++) {
                update(row, messages[row], posterior);
            }
        }
        return posterior;
    }

private:
    void update(int row, std::vector<double>& messages, std::vector<double>& posterior)
    {
        const int size = d_code.lifting_size;
        const auto& edges = d_rows[row];
        std::vector<double> inputs(edges.size());
        for (int z = 0; z < size; z++) {
            for (std::size_t e = 0; e < edges.size(); e++) {
                inputs[e] = posterior[edges[e].column * size + (z + edges[e].shift) % size] -
                            messages[e * size + z];
            }
            for (std::size_t e = 0; e < edges.size(); e++) {
                // With ln P(1)/P(0), the product of tanh(-x / 2) is the parity.
                double product = 1.0;
                for (std::size_t other = 0; other < edges.size(); other++) {
                    product *= other == e ? 1.0 : std::tanh(-inputs[other] / 2);
                }
                const double bounded = std::clamp(product, -1 + 1e-12, 1 - 1e-12);
                messages[e * size + z] = -2 * std::atanh(bounded);
                posterior[edges[e].column * size + (z + edges[e].shift) % size] =
                    inputs[e] + messages[e * size + z];
            }
        }
    }

    LdpcSegmentation d_segmentation;
    LdpcCode d_code;
    std::vector<std::vector<Circulant>> d_rows;
};

BOOST_DATA_TEST_CASE(reference, EACH_PRECISION, precision)
{
    Noise noise(5);
    struct Case {
        std::size_t bits, coded_bits;
        double sigma;
    };
    for (const Case& one :
         { Case{ 400, 1200, 1.0 }, Case{ 500, 700, 0.55 }, Case{ 3840, 11520, 1.1 } }) {
        const std::string name = name_of(precision) + ", " + std::to_string(one.bits) + " bits: ";
        int right = 0, reference_right = 0, frames = one.bits > 1000 ? 4 : 20;
        double difference = 0, magnitude = 0, product = 0, square = 0;
        std::size_t compared = 0;
        for (int frame = 0; frame < frames; frame++) {
            const Bits payload = noise.bits(one.bits);
            const Llrs llrs = noise.channel(encode(one.coded_bits, payload), one.sigma);
            TransportDecoder decoder(
                one.bits, one.coded_bits, 4, 0, 2, options(precision, EarlyStop::none));
            const LdpcSegmentation& s = decoder.segmentation();
            Llrs buffer((s.base_graph == 1 ? 66 : 50) * s.lifting_size, 0.0f);
            LdpcRateMatching(s, 0).recover(llrs.data(), llrs.size(), buffer.data());
            Reference reference(s);

            // After two iterations most bits are still in the range that int8 can tell, and few
            // CRCs hold, which makes all bits certain.
            const Decoded early = decode(decoder, llrs);
            const std::vector<double> exact = reference.decode(buffer, 2);
            for (std::size_t i = 0; i < one.bits; i++) {
                if (!early.result.crc_ok && std::abs(exact[i]) < 10) {
                    difference += std::abs(exact[i] - early.posterior[i]);
                    magnitude += std::abs(exact[i]);
                    product += exact[i] * early.posterior[i];
                    square += exact[i] * exact[i];
                    compared++;
                }
            }
            decoder.set_iterations(20);
            right += decode(decoder, llrs).payload == payload;
            const std::vector<double> late = reference.decode(buffer, 20);
            bool all = true;
            for (std::size_t i = 0; i < one.bits; i++) {
                all = all && (late[i] > 0) == (payload[i] == 1);
            }
            reference_right += all;
        }
        BOOST_CHECK_MESSAGE(compared > one.bits, name + "enough LLRs compared");
        BOOST_CHECK_MESSAGE(difference < 0.2 * magnitude,
                            name + "a-posteriori LLRs follow float64 to " +
                                std::to_string(difference / magnitude));
        BOOST_CHECK_MESSAGE(std::abs(product / square - 1) < 0.15,
                            name + "a-posteriori LLRs have the scale of float64 to " +
                                std::to_string(product / square));
        BOOST_CHECK_MESSAGE(reference_right > frames / 2 && right >= reference_right - frames / 10,
                            name + std::to_string(right) + " frames right, float64 " +
                                std::to_string(reference_right) + " of " + std::to_string(frames));
    }
}

} // namespace
