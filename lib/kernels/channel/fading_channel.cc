/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fading_channel.h"

#include "complex_gaussian.h"
#include "kernels/base/snr.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr std::size_t tile_symbols = 1024;
// Values come in pairs, so a tile that starts or ends inside a pair needs one more value each.
constexpr std::size_t tile_values = tile_symbols + 2;
constexpr std::uint32_t noise_stream = 0;
constexpr std::uint32_t fading_stream = 1;

// Values first, first + 1, ... of a stream; returns where the first one lies in the buffer.
const float* gaussian_values(InstructionSet set,
                             std::uint64_t seed,
                             std::uint32_t stream,
                             std::uint64_t first,
                             std::size_t values,
                             float* buffer)
{
    const std::size_t odd = first & 1;
    complex_gaussian(set, seed, stream, first / 2, (values + odd + 1) / 2, buffer);
    return buffer + 2 * odd;
}

} // namespace

FadingChannel::FadingChannel(Kind kind,
                             double snr_db,
                             double rician_factor,
                             std::int64_t block_length,
                             std::uint64_t seed,
                             InstructionSet set)
    : d_seed(seed),
      d_set(set),
      d_noise(2 * tile_values),
      d_scattered(2 * tile_values),
      d_coefficients(2 * tile_symbols)
{
    set_kind(kind);
    set_snr_db(snr_db);
    set_rician_factor(rician_factor);
    set_block_length(block_length);
}

void FadingChannel::set_kind(Kind kind)
{
    d_kind = kind;
}

void FadingChannel::set_snr_db(double snr_db)
{
    noise_density(snr_db);
    d_snr_db = snr_db;
}

void FadingChannel::set_rician_factor(double rician_factor)
{
    if (!(rician_factor >= 0.0 && std::isfinite(rician_factor))) {
        throw std::invalid_argument("rician_factor is " + std::to_string(rician_factor) +
                                    ", must be a number of at least 0");
    }
    d_rician_factor = rician_factor;
}

void FadingChannel::set_block_length(std::int64_t block_length)
{
    if (block_length < 1) {
        throw std::invalid_argument("block_length is " + std::to_string(block_length) +
                                    ", must be at least 1");
    }
    d_block_length = block_length;
}

void FadingChannel::coefficients(std::uint64_t first, std::size_t symbols, float* h)
{
    const double factor = d_kind == Kind::rician ? d_rician_factor : 0.0;
    const auto line_of_sight = static_cast<float>(std::sqrt(factor / (factor + 1.0)));
    const auto scattered = static_cast<float>(std::sqrt(1.0 / (factor + 1.0)));

    const auto block_length = static_cast<std::uint64_t>(d_block_length);
    const std::uint64_t first_block = first / block_length;
    const auto blocks =
        static_cast<std::size_t>((first + (symbols - 1)) / block_length - first_block + 1);
    const float* values =
        gaussian_values(d_set, d_seed, fading_stream, first_block, blocks, d_scattered.data());

    std::uint64_t left_in_block = block_length - first % block_length;
    std::size_t i = 0;
    for (std::size_t block = 0; block < blocks; ++block) {
        const float real = line_of_sight + scattered * values[2 * block];
        const float imaginary = scattered * values[2 * block + 1];
        const std::size_t end = i + std::min<std::uint64_t>(left_in_block, symbols - i);
        for (; i < end; ++i) {
            h[2 * i] = real;
            h[2 * i + 1] = imaginary;
        }
        left_in_block = block_length;
    }
}

void FadingChannel::apply(const std::complex<float>* x,
                          std::size_t symbols,
                          std::complex<float>* y,
                          std::complex<float>* h)
{
    const auto deviation = static_cast<float>(std::sqrt(noise_density(d_snr_db)));
    for (std::size_t done = 0; done < symbols; done += tile_symbols) {
        const std::size_t count = std::min(tile_symbols, symbols - done);
        const float* w =
            gaussian_values(d_set, d_seed, noise_stream, d_position, count, d_noise.data());
        const float* in = reinterpret_cast<const float*>(x + done);
        float* out = reinterpret_cast<float*>(y + done);
        if (d_kind == Kind::awgn) {
            for (std::size_t i = 0; i < 2 * count; ++i) {
                out[i] = in[i] + deviation * w[i];
            }
            if (h != nullptr) {
                std::fill_n(h + done, count, std::complex<float>(1.0f, 0.0f));
            }
        } else {
            float* fading = d_coefficients.data();
            coefficients(d_position, count, fading);
            for (std::size_t i = 0; i < 2 * count; i += 2) {
                const float real = fading[i] * in[i] - fading[i + 1] * in[i + 1];
                const float imaginary = fading[i] * in[i + 1] + fading[i + 1] * in[i];
                out[i] = real + deviation * w[i];
                out[i + 1] = imaginary + deviation * w[i + 1];
            }
            if (h != nullptr) {
                std::copy_n(fading, 2 * count, reinterpret_cast<float*>(h + done));
            }
        }
        d_position += count;
    }
}

FadingChannel::Kind fading_kind_from_name(const std::string& name)
{
    if (name == "awgn") {
        return FadingChannel::Kind::awgn;
    }
    if (name == "rayleigh") {
        return FadingChannel::Kind::rayleigh;
    }
    if (name == "rician") {
        return FadingChannel::Kind::rician;
    }
    throw std::invalid_argument("kind is '" + name + "', must be 'awgn', 'rayleigh' or 'rician'");
}

std::string fading_kind_name(FadingChannel::Kind kind)
{
    switch (kind) {
    case FadingChannel::Kind::rayleigh:
        return "rayleigh";
    case FadingChannel::Kind::rician:
        return "rician";
    default:
        return "awgn";
    }
}

} // namespace gr::vqdeepsc::kernel
