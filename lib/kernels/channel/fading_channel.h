/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_FADING_CHANNEL_H
#define INCLUDED_VQDEEPSC_KERNEL_FADING_CHANNEL_H

#include "kernels/base/cpu_features.h"

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! y = h x + w (paper, eq. 3) with E|h|^2 = 1 and w ~ CN(0, N0), N0 = 10^(-snr_db / 10).
 *
 * One h serves block_length symbols. Noise of symbol i depends on seed and i only, and h of block
 * j = i / block_length on seed and j only, so results do not depend on how a stream is cut.
 */
class FadingChannel
{
public:
    enum class Kind {
        awgn,     //!< h = 1
        rayleigh, //!< h ~ CN(0, 1)
        rician    //!< h = sqrt(r / (r + 1)) + CN(0, 1 / (r + 1)), r = rician_factor
    };

    /*! \param kind          distribution of h
     * \param snr_db        Es/N0 in dB for Es = 1, at least -200; infinity switches the noise off
     * \param rician_factor r >= 0, power of the line of sight over that of the scattered part
     * \param block_length  symbols that share one h, at least 1
     * \param seed          key of the random numbers
     * \param set           instruction set; the results do not depend on it
     * \throws std::invalid_argument naming the value that is out of range
     */
    FadingChannel(Kind kind,
                  double snr_db,
                  double rician_factor = 1.0,
                  std::int64_t block_length = 1,
                  std::uint64_t seed = 0,
                  InstructionSet set = best_instruction_set());

    /*! The next symbols of the stream.
     * \param x       symbols values
     * \param y       symbols values; may be x
     * \param h       symbols coefficients, or nullptr if nobody wants them
     */
    void apply(const std::complex<float>* x,
               std::size_t symbols,
               std::complex<float>* y,
               std::complex<float>* h);

    /*! Number of the symbol that apply() takes next. */
    std::uint64_t position() const { return d_position; }
    void seek(std::uint64_t position) { d_position = position; }

    Kind kind() const { return d_kind; }
    double snr_db() const { return d_snr_db; }
    double rician_factor() const { return d_rician_factor; }
    std::int64_t block_length() const { return d_block_length; }
    std::uint64_t seed() const { return d_seed; }

    void set_kind(Kind kind);
    void set_snr_db(double snr_db);
    void set_rician_factor(double rician_factor);
    void set_block_length(std::int64_t block_length);

private:
    void coefficients(std::uint64_t first, std::size_t symbols, float* h);

    Kind d_kind;
    double d_snr_db;
    double d_rician_factor;
    std::int64_t d_block_length;
    std::uint64_t d_seed;
    InstructionSet d_set;
    std::uint64_t d_position = 0;
    std::vector<float> d_noise;
    std::vector<float> d_scattered;
    std::vector<float> d_coefficients;
};

/*! Reads "awgn", "rayleigh" or "rician".
 * \throws std::invalid_argument naming any other value
 */
FadingChannel::Kind fading_kind_from_name(const std::string& name);

/*! The name that fading_kind_from_name() reads. */
std::string fading_kind_name(FadingChannel::Kind kind);

} // namespace gr::vqdeepsc::kernel

#endif
