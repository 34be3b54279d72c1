/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_transport.h"
#include "ldpc_base_graph.h"
#include "ldpc_block_decoder.h"

#include <algorithm>
#include <stdexcept>

namespace gr::vqdeepsc::kernel {

int checked_iterations(int iterations)
{
    if (iterations < 1 || iterations > MOST_ITERATIONS) {
        throw std::invalid_argument("iterations is " + std::to_string(iterations) +
                                    " and must be between 1 and " +
                                    std::to_string(MOST_ITERATIONS));
    }
    return iterations;
}

TransportEncoder::TransportEncoder(std::size_t payload_bits,
                                   std::size_t coded_bits,
                                   int bits_per_symbol,
                                   int redundancy_version)
    : d_segmentation(payload_bits, coded_bits, bits_per_symbol),
      d_block_encoder(d_segmentation.base_graph, d_segmentation.lifting_size),
      d_rate_matching(d_segmentation, redundancy_version),
      d_transport_block(d_segmentation.protected_bits()),
      d_codeword(d_block_encoder.code().columns() * d_segmentation.lifting_size)
{
}

void TransportEncoder::set_redundancy_version(int redundancy_version)
{
    d_rate_matching = LdpcRateMatching(d_segmentation, redundancy_version);
}

void TransportEncoder::encode(const std::uint8_t* payload, std::uint8_t* coded)
{
    const LdpcSegmentation& s = d_segmentation;
    auto end = std::transform(payload,
                              payload + s.payload_bits,
                              d_transport_block.begin(),
                              [](std::uint8_t bit) { return std::uint8_t(bit & 1); });
    std::fill(end, end + s.padding_bits, std::uint8_t(0));
    const std::size_t padded = s.payload_bits + s.padding_bits;
    s.transport_crc->append(d_transport_block.data(), padded, d_transport_block.data() + padded);

    const int content = s.block_content_bits();
    for (int block = 0; block < s.blocks; block++) {
        const auto first = d_transport_block.begin() + std::ptrdiff_t(block) * content;
        std::copy(first, first + content, d_codeword.begin());
        if (s.block_crc) {
            s.block_crc->append(d_codeword.data(), content, d_codeword.data() + content);
        }
        std::fill(d_codeword.begin() + s.block_bits,
                  d_codeword.begin() + s.information_bits,
                  std::uint8_t(0));
        d_block_encoder.encode(d_codeword.data());
        d_rate_matching.match(
            d_codeword.data() + 2 * s.lifting_size, s.coded_block_bits[block], coded);
        coded += s.coded_block_bits[block];
    }
}

/*! Decoder of the code blocks, whatever the width of its messages. */
class TransportDecoder::Blocks
{
public:
    virtual ~Blocks() = default;
    /*! Gets ready for the columns that were received. */
    virtual void prepare(const std::vector<bool>& used_columns) = 0;
    /*! LLRs of one code block -> its bits and, unless null, their a-posteriori LLRs. */
    virtual CodeBlockResult decode(const float* llrs,
                                   int iterations,
                                   std::uint8_t* bits,
                                   float* posterior) = 0;
};

template <typename Element>
class TransportDecoder::BlocksOf : public Blocks
{
public:
    BlocksOf(const LdpcSegmentation& segmentation, const Options& options)
        : d_code(make_ldpc_code(segmentation.base_graph, segmentation.lifting_size)),
          d_options(options),
          d_crc(segmentation.block_crc ? *segmentation.block_crc : *segmentation.transport_crc),
          d_block_bits(segmentation.block_bits),
          d_information_bits(segmentation.information_bits),
          d_steps(d_block_bits)
    {
    }

    void prepare(const std::vector<bool>& used_columns) override
    {
        if (!d_decoder || used_columns != d_used_columns) {
            d_used_columns = used_columns;
            d_decoder = std::make_unique<LdpcBlockDecoder<Element>>(
                d_code, used_columns, d_options.instruction_set);
        }
    }

    CodeBlockResult decode(const float* llrs,
                           int iterations,
                           std::uint8_t* bits,
                           float* posterior) override
    {
        d_decoder->load(llrs, d_block_bits, d_information_bits);
        CodeBlockResult outcome{ 0, false };
        bool decided = false;
        while (outcome.iterations < iterations && !decided) {
            d_decoder->iterate();
            outcome.iterations++;
            if (d_options.early_stop != EarlyStop::none && d_decoder->core_satisfied()) {
                outcome.crc_ok = decide(bits);
                decided = outcome.crc_ok || d_options.early_stop == EarlyStop::parity;
            }
        }
        if (!decided) {
            outcome.crc_ok = decide(bits);
        }
        if (posterior) {
            constexpr float NATS_PER_STEP = 1.0f / LdpcFixedPoint<Element>::STEPS_PER_NAT;
            constexpr float CERTAIN = LdpcFixedPoint<Element>::POSTERIOR_LIMIT * NATS_PER_STEP;
            // Where the CRC holds, the bits are sure, whatever the last iteration left open.
            if (outcome.crc_ok) {
                std::transform(bits, bits + d_block_bits, posterior, [](std::uint8_t bit) {
                    return bit ? CERTAIN : -CERTAIN;
                });
            } else {
                std::transform(d_steps.begin(), d_steps.end(), posterior, [](Element steps) {
                    return steps * NATS_PER_STEP;
                });
            }
        }
        return outcome;
    }

private:
    // Takes the decisions. A bit about which nothing is known is an error: all LLRs zero would
    // otherwise pass for the codeword of all zeros.
    bool decide(std::uint8_t* bits)
    {
        d_decoder->posterior(d_block_bits, d_steps.data());
        int undecided = 0;
        for (int i = 0; i < d_block_bits; i++) {
            bits[i] = d_steps[i] > 0;
            undecided |= d_steps[i] == 0;
        }
        return undecided == 0 && d_crc.check(bits, d_block_bits);
    }

    LdpcCode d_code;
    Options d_options;
    const Crc& d_crc;
    int d_block_bits;
    int d_information_bits;
    std::vector<bool> d_used_columns;
    std::unique_ptr<LdpcBlockDecoder<Element>> d_decoder;
    std::vector<Element> d_steps;
};

TransportDecoder::TransportDecoder(std::size_t payload_bits,
                                   std::size_t coded_bits,
                                   int bits_per_symbol,
                                   int redundancy_version,
                                   int iterations)
    : TransportDecoder(
          payload_bits, coded_bits, bits_per_symbol, redundancy_version, iterations, Options())
{
}

TransportDecoder::TransportDecoder(std::size_t payload_bits,
                                   std::size_t coded_bits,
                                   int bits_per_symbol,
                                   int redundancy_version,
                                   int iterations,
                                   const Options& options)
    : d_segmentation(payload_bits, coded_bits, bits_per_symbol),
      d_redundancy_version(redundancy_version),
      d_iterations(checked_iterations(iterations))
{
    const LdpcSegmentation& s = d_segmentation;
    // Refuses a wrong number before it becomes an index.
    LdpcRateMatching(s, redundancy_version);
    for (int version = 0; version < 4; version++) {
        d_rate_matching.emplace_back(s, version);
    }
    const int columns = ldpc_columns(s.base_graph);
    d_buffer_bits = std::size_t(columns - 2) * s.lifting_size;
    d_buffers.resize(s.blocks * d_buffer_bits);
    d_used_columns.resize(columns);
    d_block.resize(s.block_bits);
    d_transport_block.resize(s.protected_bits());
    d_transport_posterior.resize(s.block_bits);
    if (options.precision == Precision::int16) {
        d_blocks = std::make_unique<BlocksOf<std::int16_t>>(s, options);
    } else {
        d_blocks = std::make_unique<BlocksOf<std::int8_t>>(s, options);
    }
}

TransportDecoder::~TransportDecoder() = default;
TransportDecoder::TransportDecoder(TransportDecoder&&) noexcept = default;
TransportDecoder& TransportDecoder::operator=(TransportDecoder&&) noexcept = default;

void TransportDecoder::set_iterations(int iterations)
{
    d_iterations = checked_iterations(iterations);
}

void TransportDecoder::reset()
{
    std::fill(d_buffers.begin(), d_buffers.end(), 0.0f);
    std::fill(d_used_columns.begin(), d_used_columns.end(), false);
}

void TransportDecoder::add_llrs(int redundancy_version, const float* llrs)
{
    const LdpcSegmentation& s = d_segmentation;
    if (redundancy_version < 0 || redundancy_version > 3) {
        throw std::invalid_argument("redundancy_version is " + std::to_string(redundancy_version) +
                                    " and must be 0, 1, 2 or 3");
    }
    const LdpcRateMatching& rate_matching = d_rate_matching[redundancy_version];
    for (int block = 0; block < s.blocks; block++) {
        const std::size_t coded = s.coded_block_bits[block];
        rate_matching.recover(llrs, coded, d_buffers.data() + block * d_buffer_bits);
        llrs += coded;
    }
    // The first 2 columns are never sent; blocks differ by a symbol, so the longest marks them.
    rate_matching.mark_columns(
        *std::max_element(s.coded_block_bits.begin(), s.coded_block_bits.end()), 2, d_used_columns);
}

TransportDecoderResult TransportDecoder::decode(const float* llrs,
                                                std::uint8_t* payload,
                                                float* posterior)
{
    reset();
    add_llrs(d_redundancy_version, llrs);
    return decode_combined(payload, posterior);
}

TransportDecoderResult TransportDecoder::decode_combined(std::uint8_t* payload, float* posterior)
{
    const LdpcSegmentation& s = d_segmentation;
    const std::size_t content = s.block_content_bits();
    TransportDecoderResult result{ true, 0, s.blocks, 0.0f };
    d_blocks->prepare(d_used_columns);
    d_block_results.clear();
    long iterations = 0;
    for (int block = 0; block < s.blocks; block++) {
        const CodeBlockResult outcome =
            d_blocks->decode(d_buffers.data() + block * d_buffer_bits,
                             d_iterations,
                             d_block.data(),
                             posterior ? d_transport_posterior.data() : nullptr);
        d_block_results.push_back(outcome);
        iterations += outcome.iterations;
        result.block_errors += !outcome.crc_ok;
        const std::size_t first = block * content;
        std::copy(d_block.begin(), d_block.begin() + content, d_transport_block.begin() + first);
        if (posterior && first < s.payload_bits) {
            const std::size_t length = std::min(content, s.payload_bits - first);
            std::copy(d_transport_posterior.begin(),
                      d_transport_posterior.begin() + length,
                      posterior + first);
        }
    }
    if (payload) {
        std::copy(d_transport_block.begin(), d_transport_block.begin() + s.payload_bits, payload);
    }
    result.iterations = static_cast<float>(iterations) / s.blocks;
    result.crc_ok = result.block_errors == 0 &&
                    s.transport_crc->check(d_transport_block.data(), d_transport_block.size());
    return result;
}

} // namespace gr::vqdeepsc::kernel
