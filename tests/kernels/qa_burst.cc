/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "kernels/base/crc.h"
#include "kernels/ofdm/burst_demodulator.h"
#include "kernels/ofdm/burst_detector.h"
#include "kernels/ofdm/burst_modulator.h"
#include "kernels/ofdm/fft.h"
#include "kernels/ofdm/gold_sequence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace gr::vqdeepsc::kernel;
using Samples = std::vector<std::complex<float>>;
using Bits = std::vector<std::uint8_t>;

namespace {

struct Channel {
    double snr_db = 100.0;
    double cfo = 0.0;
    double clock_offset = 0.0; //!< the receiver samples so much more seldom
    double delay = 0.0;        //!< samples
    double phase = 0.0;
    double gain = 1.0;
    double leak = 0.0;         //!< constant that the receiver adds
    std::size_t leak_from = 0; //!< first sample that has it
    std::vector<std::pair<int, std::complex<double>>> paths = { { 0, 1.0 } };
};

class Experiment
{
public:
    explicit Experiment(unsigned seed) : d_generator(seed) {}

    Bits random_bits(std::size_t count)
    {
        Bits bits(count);
        for (auto& bit : bits) {
            bit = d_generator() & 1U;
        }
        return bits;
    }

    // White noise of power N0 per sample, which is N0 per carrier.
    Samples noise(std::size_t count, double density)
    {
        std::normal_distribution<double> normal(0.0, std::sqrt(density / 2.0));
        Samples samples(count);
        for (auto& sample : samples) {
            sample = { static_cast<float>(normal(d_generator)),
                       static_cast<float>(normal(d_generator)) };
        }
        return samples;
    }

    // What a receiver gets of samples whose carriers have mean power carrier_power.
    Samples receive(const Samples& sent, const Channel& channel, double carrier_power)
    {
        std::vector<std::complex<double>> spread(sent.size(), 0.0);
        double power = 0.0;
        for (const auto& [delay, gain] : channel.paths) {
            power += std::norm(gain);
            for (std::size_t i = delay; i < sent.size(); ++i) {
                spread[i] += gain * std::complex<double>(sent[i - delay]);
            }
        }
        Samples received =
            noise(sent.size(), carrier_power * power * std::pow(10.0, -channel.snr_db / 10.0));
        constexpr int REACH = 16;
        for (std::size_t i = 0; i < received.size(); ++i) {
            const double time = i * (1.0 + channel.clock_offset) - channel.delay;
            const long centre = std::lround(time);
            std::complex<double> sum = 0.0;
            for (long j = std::max(0L, centre - REACH);
                 j <= std::min<long>(spread.size() - 1, centre + REACH);
                 ++j) {
                const double x = M_PI * (time - j);
                const double window = 0.5 + 0.5 * std::cos(x / (REACH + 1));
                sum += spread[j] * (std::abs(x) < 1e-9 ? 1.0 : std::sin(x) / x * window);
            }
            sum *= std::polar(1.0, 2.0 * M_PI * channel.cfo * i + channel.phase);
            received[i] = static_cast<float>(channel.gain) *
                          (received[i] + std::complex<float>(sum) +
                           static_cast<float>(i < channel.leak_from ? 0.0 : channel.leak));
        }
        return received;
    }

    std::mt19937& generator() { return d_generator; }

private:
    std::mt19937 d_generator;
};

BurstHeader make_header(int bits_per_symbol, int code_rate, int payload_bits)
{
    BurstHeader header;
    header.bits_per_symbol = bits_per_symbol;
    header.code_rate = code_rate;
    header.payload_bits = payload_bits;
    header.frame.model = 0xabcd;
    header.frame.session = 0x89abcdef;
    header.frame.image = 4711;
    header.frame.width = 640;
    header.frame.height = 300;
    header.frame.first_block = 704;
    header.frame.block_bits = 313;
    return header;
}

bool same(const BurstHeader& a, const BurstHeader& b)
{
    return pack_header(a) == pack_header(b);
}

void sequences(Checks& checks)
{
    // Bit by bit from the recursions of the standard.
    const std::uint32_t initial = 0x2a5f1;
    const std::size_t count = 500;
    std::vector<int> x1(1600 + count + 31), x2(1600 + count + 31);
    x1[0] = 1;
    for (int i = 0; i < 31; ++i) {
        x2[i] = initial >> i & 1;
    }
    for (std::size_t n = 0; n < 1600 + count; ++n) {
        x1[n + 31] = (x1[n + 3] + x1[n]) % 2;
        x2[n + 31] = (x2[n + 3] + x2[n + 2] + x2[n + 1] + x2[n]) % 2;
    }
    const auto bits = gold_sequence(initial, count);
    bool equal = bits.size() == count;
    for (std::size_t n = 0; n < count; ++n) {
        equal = equal && bits[n] == (x1[n + 1600] + x2[n + 1600]) % 2;
    }
    checks.check(equal, "Gold sequence");

    Fft forward(64, Fft::Direction::forward);
    for (int n = 0; n < 64; ++n) {
        forward.input()[n] = std::polar(1.0f, static_cast<float>(2.0 * M_PI * 5 * n / 64));
    }
    forward.execute();
    checks.check(std::abs(forward.output()[5] - 64.0f) < 1e-4f &&
                     std::abs(forward.output()[6]) < 1e-4f,
                 "Fourier transform of a carrier");
}

void format(Checks& checks)
{
    for (const int size : { 64, 128, 256, 512, 1024 }) {
        const BurstFormat one(size, size / 4);
        const std::string name = "FFT " + std::to_string(size) + ": ";
        checks.check(one.used_carriers() == 13 * size / 16, name + "used carriers");
        checks.check(one.header_symbols() * one.data_carriers() == HEADER_QPSK_SYMBOLS,
                     name + "the header fills its OFDM symbols");
        std::vector<int> visits(one.used_carriers(), 0);
        for (int symbol = 0; symbol < BurstFormat::GROUP; ++symbol) {
            std::vector<int> places = one.pilot_places(symbol);
            places.insert(
                places.end(), one.data_places(symbol).begin(), one.data_places(symbol).end());
            std::sort(places.begin(), places.end());
            bool all = static_cast<int>(places.size()) == one.used_carriers();
            for (std::size_t u = 0; all && u < places.size(); ++u) {
                all = places[u] == static_cast<int>(u);
            }
            checks.check(all, name + "each carrier is pilot or data");
            for (const int place : one.pilot_places(symbol)) {
                ++visits[place];
            }
        }
        checks.check(std::all_of(visits.begin(), visits.end(), [](int n) { return n == 1; }),
                     name + "each carrier is a pilot once in 13 symbols");
        checks.check(one.carrier(0) == -one.used_carriers() / 2 &&
                         one.carrier(one.used_carriers() / 2) == 1 &&
                         one.bin(0) == size - one.used_carriers() / 2,
                     name + "no carrier at 0");
    }
    checks.refuses([] { BurstFormat(100, 16); }, "100");
    checks.refuses([] { BurstFormat(64, 7); }, "7");
    checks.refuses([] { BurstFormat(64, 33); }, "33");
}

BurstHeader make_header_1(int bits_per_symbol, int code_rate, int payload_bits)
{
    BurstHeader header = make_header(bits_per_symbol, code_rate, payload_bits);
    header.frame.version = 1;
    header.frame.session = 0;
    header.frame.block_bits = 0;
    return header;
}

// A field out of range with a right CRC, as another implementation may send it.
ReceivedHeader with_field(const BurstHeader& header, std::size_t first, int length, unsigned value)
{
    auto bits = pack_header(header);
    for (int i = 0; i < length; ++i) {
        bits[first + i] = value >> (length - 1 - i) & 1;
    }
    const std::size_t fields = bits.size() - 24;
    crc24a().append(bits.data(), fields, bits.data() + fields);
    return unpack_header(bits);
}

void headers(Checks& checks)
{
    struct Case {
        std::size_t first;
        int length;
        unsigned value;
        const char* part;
    };
    const std::vector<Case> cases_1 = { { 0, 8, 3, "version 3" },
                                        { 8, 4, 3, "bits_per_symbol is 8" },
                                        { 12, 4, 4, "code_rate is 4" },
                                        { 16, 16, 0, "payload_bits is 0" },
                                        { 64, 16, 0, "width is 0" },
                                        { 80, 16, 0, "height is 0" },
                                        { 96, 24, 15, "first_block is 960" } };
    const std::vector<Case> cases_2 = { { 0, 8, 1, "version 1" },
                                        { 8, 4, 1, "burst_profile is 1" },
                                        { 12, 4, 3, "bits_per_symbol is 8" },
                                        { 16, 4, 4, "code_rate is 4" },
                                        { 30, 16, 0, "payload_bits is 0" },
                                        { 110, 16, 0, "width is 0" },
                                        { 126, 16, 0, "height is 0" },
                                        { 142, 24, 760, "first_block is 760" },
                                        { 182, 1, 1, "mean nothing" },
                                        { 215, 1, 1, "mean nothing" } };
    for (const int version : { 1, 2 }) {
        const auto make = version == 1 ? make_header_1 : make_header;
        const BurstHeader header = make(6, 3, 20032);
        auto bits = pack_header(header);
        checks.check(bits.size() == (version == 1 ? 152 : 240), "bits of a header");
        const auto received = unpack_header(bits);
        checks.check(received.crc_ok && received.error.empty() && same(received.header, header),
                     "a header comes back");
        bits[77] ^= 1;
        checks.check(!unpack_header(bits).crc_ok, "a damaged header is seen");
        for (const Case& one : version == 1 ? cases_1 : cases_2) {
            const auto result = with_field(make(4, 0, 20032), one.first, one.length, one.value);
            checks.check(result.crc_ok && result.error.find(one.part) != std::string::npos,
                         "'" + result.error + "' should contain '" + one.part + "'");
        }

        BurstHeaderCodec codec;
        const auto sent = codec.encode(header);
        std::vector<float> llrs;
        for (const auto bit : sent) {
            llrs.push_back(bit ? 2.0f : -2.0f);
        }
        CodedHeader again{};
        const auto decoded = codec.decode(llrs.data(), again);
        checks.check(decoded.crc_ok && same(decoded.header, header) && again == sent,
                     "a coded header of version " + std::to_string(version) + " comes back");
        std::fill(llrs.begin(), llrs.end(), 0.0f);
        checks.check(!codec.decode(llrs.data(), again).crc_ok, "no header where nothing is known");
    }
    BurstHeader repeated = make_header(4, 0, 20032);
    repeated.redundancy_version = 3;
    repeated.uep_profile = 200;
    checks.check(same(unpack_header(pack_header(repeated)).header, repeated),
                 "profile and redundancy version come back");
    BurstHeader old = make_header_1(4, 0, 20032);
    old.frame.session = 5;
    checks.refuses([&] { pack_header(old); }, "version 1 knows no session");

    const TransportBlocks blocks = { { 3648, 21888 }, { 16384, 38208 } };
    checks.check(uep_profile_id({}) == 0 && uep_profile_id({ { 20032, 60096 } }) == 0,
                 "one transport block needs no profile");
    const int id = uep_profile_id(blocks);
    checks.check(id == 135 && id != uep_profile_id({ blocks[1], blocks[0] }),
                 "id of transport blocks: " + std::to_string(id));
    checks.check(make_burst_header(20032, 4, "1/3").coded_bits() == 60096 &&
                     make_burst_header(7616, 4, "1/3").coded_bits() == 22848 &&
                     make_burst_header(100, 6, "2/3").coded_bits() == 150 &&
                     make_burst_header(101, 6, "3/4").coded_bits() == 138,
                 "coded bits");
    checks.refuses([] { make_burst_header(0, 4, "1/3"); }, "payload_bits is 0");
    checks.refuses([] { make_burst_header(65536, 4, "1/3"); }, "65536");
    checks.refuses([] { make_burst_header(10, 3, "1/3"); }, "bits_per_symbol is 3");
    checks.refuses([] { make_burst_header(10, 4, "7/8"); }, "7/8");
}

struct Outcome {
    bool detected = false;
    bool header_ok = false;
    bool payload_ok = false;
    double llr_scale = 0.0;
    BurstDetection detection{};
    BurstQuality quality{};
};

Outcome send_one(Experiment& experiment,
                 const BurstFormat& format,
                 const BurstHeader& header,
                 const Channel& channel,
                 std::size_t lead = 1000)
{
    BurstModulator modulator(format);
    TransportEncoder encoder(header.payload_bits, header.coded_bits(), header.bits_per_symbol);
    TransportDecoder decoder(header.payload_bits, header.coded_bits(), header.bits_per_symbol);
    const Bits payload = experiment.random_bits(header.payload_bits);
    Bits coded(header.coded_bits());
    encoder.encode(payload.data(), coded.data());
    const std::size_t length = modulator.burst_samples(header);
    Samples stream(lead + length + 400);
    modulator.modulate(header, coded.data(), stream.data() + lead);
    const double carrier_power = std::pow(modulator.amplitude(), 2) * 16.0 / 13.0;
    const Samples received = experiment.receive(stream, channel, carrier_power);

    Outcome outcome;
    BurstDetector detector;
    std::vector<BurstDetection> found;
    detector.process(received.data(), received.size(), found);
    if (found.size() != 1) {
        return outcome;
    }
    outcome.detection = found[0];
    outcome.detected =
        std::abs(static_cast<double>(found[0].training_start) -
                 static_cast<double>(lead + PREAMBLE_SAMPLES)) <= channel.paths.back().first + 2;
    if (!outcome.detected) {
        return outcome;
    }
    BurstDemodulator demodulator(format);
    const auto* training = received.data() + found[0].training_start;
    const auto result = demodulator.receive_header(training, found[0].cfo, found[0].dc);
    outcome.header_ok = result.crc_ok && result.error.empty() && same(result.header, header);
    if (!outcome.header_ok) {
        return outcome;
    }
    std::vector<float> llrs(header.coded_bits());
    demodulator.receive_payload(header, training, llrs.data());
    outcome.quality = demodulator.quality();
    Bits decoded(payload.size());
    outcome.payload_ok = decoder.decode(llrs.data(), decoded.data()).crc_ok && decoded == payload;
    return outcome;
}

void every_format(Checks& checks)
{
    Experiment experiment(1);
    for (const int size : { 64, 128, 256, 512, 1024 }) {
        for (const int prefix : { size / 8, size / 4 }) {
            for (const int bits : { 2, 4, 6 }) {
                for (const int rate : { 0, 1, 2, 3 }) {
                    const std::string name = "FFT " + std::to_string(size) + ", prefix " +
                                             std::to_string(prefix) + ", " + std::to_string(bits) +
                                             " bits, rate " + CODE_RATES[rate];
                    Channel channel;
                    channel.snr_db = 30.0;
                    channel.cfo = 0.013 * (bits - 4) + 0.02;
                    channel.clock_offset = 20e-6;
                    channel.delay = 0.37;
                    const Outcome outcome = send_one(
                        experiment, { size, prefix }, make_header(bits, rate, 1500), channel);
                    checks.check(outcome.detected, name + ": detected");
                    checks.check(outcome.header_ok, name + ": header");
                    checks.check(outcome.payload_ok, name + ": payload");
                }
            }
        }
    }
}

void offsets(Checks& checks)
{
    Experiment experiment(2);
    for (const double cfo : { -0.11, -0.096, -0.048, -0.0078, 0.0, 0.0079, 0.0391, 0.096, 0.11 }) {
        for (const double gain : { 1e-6, 1.0, 3e4 }) {
            Channel channel;
            channel.snr_db = 6.0;
            channel.cfo = cfo;
            channel.clock_offset = cfo < 0 ? -40e-6 : 40e-6;
            channel.phase = 1.0;
            channel.delay = 0.5;
            channel.gain = gain;
            const Outcome outcome =
                send_one(experiment, BurstFormat(), make_header(4, 0, 20032), channel);
            const std::string name =
                "offset " + std::to_string(cfo) + ", gain " + std::to_string(gain) + ": ";
            checks.check(outcome.detected && outcome.header_ok && outcome.payload_ok,
                         name + "payload");
            checks.check(std::abs(outcome.quality.cfo - cfo) < 1e-5,
                         name + "frequency " + std::to_string(outcome.quality.cfo));
            checks.check(std::abs(outcome.quality.snr_db - 6.0) < 0.6,
                         name + "Es/N0 " + std::to_string(outcome.quality.snr_db));
            checks.check(std::abs(outcome.quality.evm_db + 6.0) < 0.8,
                         name + "EVM " + std::to_string(outcome.quality.evm_db));
            checks.check(std::abs(outcome.quality.clock_offset_ppm + 1e6 * channel.clock_offset) <
                             8.0,
                         name + "clock " + std::to_string(outcome.quality.clock_offset_ppm));
        }
    }
}

void multipath(Checks& checks)
{
    Experiment experiment(3);
    for (const int size : { 64, 256, 1024 }) {
        const int prefix = size / 4;
        Channel channel;
        channel.snr_db = 15.0;
        channel.cfo = 0.031;
        channel.clock_offset = 20e-6;
        for (const int spread : { prefix / 4, prefix / 2, prefix - 8 }) {
            for (const bool late : { false, true }) {
                channel.paths = { { 0, late ? 0.5 : 1.0 },
                                  { spread / 2, { 0.0, 0.4 } },
                                  { spread, late ? 1.0 : 0.5 } };
                const Outcome outcome =
                    send_one(experiment, { size, prefix }, make_header(4, 0, 7616), channel);
                checks.check(outcome.detected && outcome.header_ok && outcome.payload_ok,
                             "FFT " + std::to_string(size) + ", three paths over " +
                                 std::to_string(spread) + (late ? ", last" : ", first") +
                                 " strongest");
            }
        }
    }
}

// An oscillator that leaks costs a few carriers at most, however strong, from the first sample on.
void leakage(Checks& checks)
{
    Experiment experiment(6);
    struct Case {
        std::size_t lead, leak_from;
    };
    for (const double leak : { 0.05, 0.2, 1.0, 10.0 }) {
        for (const double cfo : { 0.0, 0.0127, -0.03, 3.0 / 64.0 }) {
            for (const Case& one :
                 { Case{ 1000, 0 }, Case{ 0, 0 }, Case{ 1000, 1000 }, Case{ 1000, 500 } }) {
                Channel channel;
                channel.snr_db = 8.0;
                channel.cfo = cfo;
                channel.leak = leak;
                channel.leak_from = one.leak_from;
                const Outcome outcome = send_one(
                    experiment, BurstFormat(), make_header(4, 0, 20032), channel, one.lead);
                checks.check(outcome.payload_ok,
                             "leakage of " + std::to_string(leak) + " from sample " +
                                 std::to_string(one.leak_from) + ", burst from " +
                                 std::to_string(one.lead) + ", at offset " + std::to_string(cfo));
            }
        }
    }
}

// Whatever a radio delivers: nothing is found in it, and nothing that is not a number comes out.
void rubbish(Checks& checks)
{
    Experiment experiment(4);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinite = std::numeric_limits<float>::infinity();
    const BurstFormat format;
    const BurstHeader header = make_header(4, 0, 7616);
    const std::size_t length = format.samples_after_preamble(header.qam_symbols());
    Samples step = experiment.noise(length, 1e-6);
    for (std::size_t i = length / 2; i < length; ++i) {
        step[i] += std::polar(100.0f, 0.3f * static_cast<float>(i));
    }
    Samples clipped = experiment.noise(length, 1.0);
    for (auto& sample : clipped) {
        sample = { std::copysign(1.0f, sample.real()), std::copysign(1.0f, sample.imag()) };
    }
    Samples mixed = experiment.noise(length, 1.0);
    for (std::size_t i = 0; i < length; i += 7) {
        mixed[i] = i % 2 ? std::complex<float>(nan, 1.0f) : std::complex<float>(1e38f, -infinite);
    }
    const std::vector<std::pair<const char*, Samples>> streams = {
        { "zeros", Samples(length, 0.0f) },
        { "a constant", Samples(length, { 3.0f, -4.0f }) },
        { "NaN", Samples(length, { nan, nan }) },
        { "infinity", Samples(length, { infinite, -infinite }) },
        { "large", Samples(length, { 1e30f, 1e30f }) },
        { "tiny", Samples(length, { 1e-38f, 1e-42f }) },
        { "a carrier that starts", step },
        { "clipped noise", clipped },
        { "noise with holes", mixed },
    };
    for (const auto& [name, samples] : streams) {
        BurstDetector detector;
        std::vector<BurstDetection> found;
        detector.process(samples.data(), samples.size(), found);
        checks.check(found.empty(), std::string(name) + ": nothing is detected");
        BurstDemodulator demodulator(format);
        checks.check(!demodulator.receive_header(samples.data(), 0.05).crc_ok,
                     std::string(name) + ": no header");
        std::vector<float> llrs(header.coded_bits());
        demodulator.receive_payload(header, samples.data(), llrs.data());
        const auto quality = demodulator.quality();
        checks.check(
            std::all_of(llrs.begin(), llrs.end(), [](float x) { return std::isfinite(x); }) &&
                std::isfinite(quality.snr_db) && std::isfinite(quality.evm_db) &&
                std::isfinite(quality.cfo) && std::isfinite(quality.clock_offset_ppm),
            std::string(name) + ": all numbers are finite");
    }
    checks.refuses([] { BurstDetector(0.05f); }, "threshold is 0.05");
}

// What the detector finds does not depend on how the stream is cut.
void cuts(Checks& checks)
{
    Experiment experiment(5);
    BurstModulator modulator((BurstFormat()));
    const BurstHeader header = make_header(4, 0, 500);
    const std::size_t length = modulator.burst_samples(header);
    Samples stream(30 * length);
    const Bits coded = experiment.random_bits(header.coded_bits());
    for (std::size_t i = 0; i < 30; i += 1 + i % 3) {
        modulator.modulate(header, coded.data(), stream.data() + i * length);
    }
    Channel channel;
    channel.snr_db = 3.0;
    channel.cfo = 0.02;
    const Samples received = experiment.receive(stream, channel, 0.09 * 16.0 / 13.0);
    std::vector<BurstDetection> whole;
    BurstDetector().process(received.data(), received.size(), whole);
    checks.check(whole.size() > 10, "bursts with gaps are found");
    BurstDetector pieces;
    std::vector<BurstDetection> found;
    bool in_time = true;
    for (std::size_t done = 0; done < received.size();) {
        const std::size_t known = found.size();
        const std::size_t part =
            std::min<std::size_t>(received.size() - done, 1 + experiment.generator()() % 2000);
        pieces.process(received.data() + done, part, found);
        for (std::size_t i = known; i < found.size(); ++i) {
            in_time = in_time && found[i].training_start + BurstDetector::DECISION_DELAY >= done;
        }
        done += part;
    }
    checks.check(in_time, "decisions come no later than promised");
    bool equal = found.size() == whole.size();
    for (std::size_t i = 0; equal && i < found.size(); ++i) {
        equal = found[i].training_start == whole[i].training_start && found[i].cfo == whole[i].cfo;
    }
    checks.check(equal, "pieces of a stream give what the whole gives");

    for (const std::size_t lost : { 0, 1, 5, 20 }) {
        std::vector<BurstDetection> first;
        BurstDetector().process(received.data() + lost, length, first);
        checks.check(first.size() == 1 && first[0].training_start + lost == PREAMBLE_SAMPLES,
                     "a preamble without its first " + std::to_string(lost) + " samples is found");
    }
}

} // namespace

int main()
{
    Checks checks;
    sequences(checks);
    format(checks);
    headers(checks);
    every_format(checks);
    offsets(checks);
    multipath(checks);
    leakage(checks);
    rubbish(checks);
    cuts(checks);
    return checks.report();
}
