/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SoapySDR device for the tests: what one process transmits, another one receives.
 *
 * Arguments: driver=vqdeepsc_loopback
 *   link=PATH          FIFO between transmitter and receiver, made where it is missing
 *   offset_hz=0        added to the difference of the two frequencies
 *   noise_dbfs=-60     noise power at the receiver's gain of 30 dB; full scale is 0
 *   overflow_every=0   reports an overflow, and drops the samples, every so many reads
 *   seed=1             of the noise
 *
 * It behaves as a HackRF does: 8 bits, nothing goes out until a buffer of 131,072 samples is
 * full, and what is in an unfinished buffer at the end is lost. With gains of 30 dB at both ends
 * the signal arrives as it was sent. Samples go out at the sample rate.
 */
#include "fifo.h"

#include <SoapySDR/Device.hpp>
#include <SoapySDR/Errors.hpp>
#include <SoapySDR/Formats.hpp>
#include <SoapySDR/Registry.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Sample = std::complex<float>;
using Clock = std::chrono::steady_clock;

constexpr size_t BUFFER_SAMPLES = 131'072;
constexpr double MAX_GAIN = 60.0;
constexpr double UNITY_GAIN = 30.0;
constexpr float FULL_SCALE = 127.0f;
constexpr size_t IDLE_SAMPLES = 2048;

double amplitude(double decibels)
{
    return std::pow(10.0, decibels / 20.0);
}

std::int8_t quantise(float value)
{
    return static_cast<std::int8_t>(std::lrint(std::clamp(value, -1.0f, 1.0f) * FULL_SCALE));
}

/* What stands before the samples of a buffer in the FIFO. */
struct BufferHeader {
    double frequency;
    double gain;
};

constexpr size_t BUFFER_BYTES = sizeof(BufferHeader) + 2 * BUFFER_SAMPLES;

class Loopback : public SoapySDR::Device
{
public:
    explicit Loopback(const SoapySDR::Kwargs& args)
        : d_fifo(text(args, "link", "")),
          d_offset(number(args, "offset_hz", 0.0)),
          d_noise(amplitude(number(args, "noise_dbfs", -60.0)) / std::sqrt(2.0)),
          d_overflow_every(static_cast<size_t>(number(args, "overflow_every", 0.0))),
          d_random(static_cast<unsigned>(number(args, "seed", 1.0)))
    {
    }

    std::string getDriverKey() const override { return "vqdeepsc_loopback"; }
    std::string getHardwareKey() const override { return "loopback"; }
    size_t getNumChannels(const int) const override { return 1; }
    std::vector<std::string> listAntennas(const int, const size_t) const override
    {
        return { "TX/RX" };
    }
    std::vector<std::string> listGains(const int, const size_t) const override { return { "VGA" }; }
    SoapySDR::Range getGainRange(const int, const size_t) const override
    {
        return { 0.0, MAX_GAIN };
    }
    SoapySDR::Range getGainRange(const int direction,
                                 const size_t channel,
                                 const std::string&) const override
    {
        return getGainRange(direction, channel);
    }
    void setGain(const int direction, const size_t, const double value) override
    {
        end(direction).gain = value;
    }
    void setGain(const int direction,
                 const size_t channel,
                 const std::string&,
                 const double value) override
    {
        setGain(direction, channel, value);
    }
    double getGain(const int direction, const size_t) const override { return end(direction).gain; }
    double getGain(const int direction, const size_t channel, const std::string&) const override
    {
        return getGain(direction, channel);
    }
    std::vector<std::string> listFrequencies(const int, const size_t) const override
    {
        return { "RF" };
    }
    SoapySDR::RangeList getFrequencyRange(const int, const size_t) const override
    {
        return { { 1e6, 6e9 } };
    }
    SoapySDR::RangeList getFrequencyRange(const int direction,
                                          const size_t channel,
                                          const std::string&) const override
    {
        return getFrequencyRange(direction, channel);
    }
    SoapySDR::ArgInfoList getFrequencyArgsInfo(const int, const size_t) const override
    {
        return {};
    }
    void setFrequency(const int direction,
                      const size_t,
                      const double frequency,
                      const SoapySDR::Kwargs&) override
    {
        end(direction).frequency = frequency;
    }
    double getFrequency(const int direction, const size_t) const override
    {
        return end(direction).frequency;
    }
    SoapySDR::RangeList getSampleRateRange(const int, const size_t) const override
    {
        return { { 1e5, 20e6 } };
    }
    void setSampleRate(const int direction, const size_t, const double rate) override
    {
        end(direction).rate = rate;
    }
    double getSampleRate(const int direction, const size_t) const override
    {
        return end(direction).rate;
    }

    std::vector<std::string> getStreamFormats(const int, const size_t) const override
    {
        return { SOAPY_SDR_CF32 };
    }
    std::string getNativeStreamFormat(const int, const size_t, double& full_scale) const override
    {
        full_scale = FULL_SCALE;
        return SOAPY_SDR_CS8;
    }
    SoapySDR::Stream* setupStream(const int direction,
                                  const std::string& format,
                                  const std::vector<size_t>&,
                                  const SoapySDR::Kwargs&) override
    {
        if (format != SOAPY_SDR_CF32) {
            throw std::runtime_error("loopback: only CF32 is offered");
        }
        return reinterpret_cast<SoapySDR::Stream*>(&end(direction));
    }
    void closeStream(SoapySDR::Stream*) override {}
    size_t getStreamMTU(SoapySDR::Stream*) const override { return 8192; }
    int activateStream(SoapySDR::Stream*, const int, const long long, const size_t) override
    {
        d_began = Clock::now();
        d_written = 0;
        return 0;
    }
    int deactivateStream(SoapySDR::Stream* stream, const int, const long long) override
    {
        if (reinterpret_cast<End*>(stream) == &d_transmitter) {
            d_filling.clear();
        }
        return 0;
    }

    int writeStream(SoapySDR::Stream*,
                    const void* const* buffers,
                    const size_t count,
                    int&,
                    const long long,
                    const long timeout_us) override
    {
        if (!d_fifo.write(d_outgoing, timeout_us)) {
            return SOAPY_SDR_TIMEOUT;
        }
        const auto* samples = static_cast<const Sample*>(buffers[0]);
        const size_t taken = std::min(count, BUFFER_SAMPLES - d_filling.size() / 2);
        for (size_t i = 0; i < taken; ++i) {
            d_filling.push_back(quantise(samples[i].real()));
            d_filling.push_back(quantise(samples[i].imag()));
        }
        if (d_filling.size() == 2 * BUFFER_SAMPLES) {
            const BufferHeader header{ d_transmitter.frequency, d_transmitter.gain };
            d_outgoing.resize(BUFFER_BYTES);
            std::memcpy(d_outgoing.data(), &header, sizeof(header));
            std::memcpy(d_outgoing.data() + sizeof(header), d_filling.data(), d_filling.size());
            d_filling.clear();
            d_fifo.write(d_outgoing, timeout_us);
        }
        d_written += taken;
        std::this_thread::sleep_until(
            d_began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                          static_cast<double>(d_written) / d_transmitter.rate)));
        return static_cast<int>(taken);
    }

    int readStream(SoapySDR::Stream*,
                   void* const* buffers,
                   const size_t count,
                   int& flags,
                   long long&,
                   const long timeout_us) override
    {
        flags = 0;
        auto* samples = static_cast<Sample*>(buffers[0]);
        if (d_taken == BUFFER_SAMPLES) {
            if (!d_fifo.read(d_incoming, BUFFER_BYTES, timeout_us)) {
                // A receiver hears noise when nobody transmits.
                const size_t idle = std::min(count, IDLE_SAMPLES);
                std::fill_n(samples, idle, Sample(0.0f, 0.0f));
                add_noise(samples, idle);
                return static_cast<int>(idle);
            }
            std::memcpy(&d_received, d_incoming.data(), sizeof(d_received));
            std::memcpy(d_playing.data(), d_incoming.data() + sizeof(d_received), d_playing.size());
            d_incoming.clear();
            d_taken = 0;
        }
        const size_t given = std::min(count, BUFFER_SAMPLES - d_taken);
        if (d_overflow_every && ++d_reads % d_overflow_every == 0) {
            d_taken += given;
            return SOAPY_SDR_OVERFLOW;
        }
        propagate(samples, given);
        add_noise(samples, given);
        d_taken += given;
        return static_cast<int>(given);
    }

private:
    struct End {
        std::atomic<double> frequency{ 1e9 };
        std::atomic<double> gain{ 0.0 };
        std::atomic<double> rate{ 1e6 };
    };

    static std::string text(const SoapySDR::Kwargs& args,
                            const std::string& key,
                            const std::string& missing)
    {
        const auto found = args.find(key);
        return found == args.end() ? missing : found->second;
    }
    static double number(const SoapySDR::Kwargs& args, const std::string& key, double missing)
    {
        const auto found = args.find(key);
        return found == args.end() ? missing : std::stod(found->second);
    }

    End& end(int direction) { return direction == SOAPY_SDR_TX ? d_transmitter : d_receiver; }
    const End& end(int direction) const
    {
        return direction == SOAPY_SDR_TX ? d_transmitter : d_receiver;
    }

    void propagate(Sample* samples, size_t count)
    {
        const double gain = d_received.gain + d_receiver.gain - 2 * UNITY_GAIN;
        const auto scale = static_cast<float>(amplitude(gain)) / FULL_SCALE;
        const double offset = d_received.frequency - d_receiver.frequency + d_offset;
        const double step = 2.0 * M_PI * offset / d_receiver.rate;
        for (size_t i = 0; i < count; ++i) {
            const Sample sent(d_playing[2 * (d_taken + i)], d_playing[2 * (d_taken + i) + 1]);
            samples[i] = scale * sent * Sample(std::polar(1.0, d_phase));
            d_phase = std::remainder(d_phase + step, 2.0 * M_PI);
        }
    }

    void add_noise(Sample* samples, size_t count)
    {
        std::normal_distribution<float> normal;
        const auto scale = static_cast<float>(d_noise * amplitude(d_receiver.gain - UNITY_GAIN));
        for (size_t i = 0; i < count; ++i) {
            const float real = samples[i].real() + scale * normal(d_random);
            const float imag = samples[i].imag() + scale * normal(d_random);
            samples[i] = Sample(quantise(real), quantise(imag)) / FULL_SCALE;
        }
    }

    Fifo d_fifo;
    const double d_offset;
    const double d_noise;
    const size_t d_overflow_every;
    std::mt19937 d_random;
    End d_transmitter;
    End d_receiver;

    Clock::time_point d_began;
    std::uint64_t d_written = 0;
    std::vector<std::int8_t> d_filling;
    std::vector<char> d_outgoing;

    BufferHeader d_received{};
    std::vector<char> d_incoming;
    std::vector<std::int8_t> d_playing = std::vector<std::int8_t>(2 * BUFFER_SAMPLES);
    size_t d_taken = BUFFER_SAMPLES;
    size_t d_reads = 0;
    double d_phase = 0.0;
};

SoapySDR::KwargsList find(const SoapySDR::Kwargs& args)
{
    // Nobody finds it without asking for it.
    const auto driver = args.find("driver");
    if (driver == args.end() || driver->second != "vqdeepsc_loopback") {
        return {};
    }
    return { args };
}

SoapySDR::Device* make(const SoapySDR::Kwargs& args)
{
    return new Loopback(args);
}

SoapySDR::Registry registration("vqdeepsc_loopback", &find, &make, SOAPY_SDR_ABI_VERSION);

} // namespace
