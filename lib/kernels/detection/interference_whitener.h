/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_INTERFERENCE_WHITENER_H
#define INCLUDED_VQDEEPSC_KERNEL_INTERFERENCE_WHITENER_H

#include "kernels/ofdm/fft.h"

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! The first is 1; none: nothing is filtered. */
using FilterTaps = std::vector<std::complex<float>>;

/*! y[n] = sum of taps[k] x[n - k], with 0 before the first sample. What is no number or beyond 1e6
 * counts as 0.
 */
void filter_samples(const FilterTaps& taps,
                    const std::complex<float>* samples,
                    std::size_t count,
                    std::complex<float>* filtered);

/*! Flattens the spectrum of a stream where a narrow signal stands out of it, such as a carrier.
 *
 * The power spectrum of 640 samples is averaged (P. D. Welch, "The use of fast Fourier transform
 * for the estimation of power spectra", 1967). Where a part of it is far above its median, as
 * neither noise nor a burst is, a prediction error filter (J. Makhoul, "Linear prediction: a
 * tutorial review", 1975) is made of what is above. So it is short, has minimum phase,
 * and leaves other samples alone. An object serves one thread at a time.
 */
class InterferenceWhitener
{
public:
    static constexpr int BLOCK = 128;
    /*! A block is whitened when so many more were taken. */
    static constexpr int LOOKAHEAD = 1;
    /*! Blocks that are remembered as they were taken. */
    static constexpr int KEPT_BLOCKS = 64;

    /*! \param order taps of the filters after the first, 0 to 32; 0: nothing is whitened
     *  \throws std::invalid_argument naming any other value
     */
    explicit InterferenceWhitener(int order);

    int order() const { return d_order; }

    /*! Measures the next block of the stream.
     * \param real, imag BLOCK numbers each
     */
    void take(const float* real, const float* imag);

    /*! How many blocks may be whitened. */
    std::int64_t ready() const { return d_taken - LOOKAHEAD - d_whitened; }

    /*! Whitens the next block of the stream, in place, that was taken LOOKAHEAD blocks before. */
    void whiten(float* real, float* imag);

    /*! The filter for a burst.
     * \param preamble number of its first sample in the stream; taken must be 640 more, and no more
     *        than KEPT_BLOCKS blocks
     */
    FilterTaps taps(std::int64_t preamble);

    /*! Samples that were taken, through a filter.
     * \param first number of the first in the stream; those before and behind what is remembered
     *        are 0
     * \param real, imag count numbers each
     */
    void filter(const FilterTaps& taps,
                std::int64_t first,
                std::size_t count,
                float* real,
                float* imag) const;

private:
    static constexpr int SIZE = 64; //!< of the Fourier transforms
    using Spectrum = std::array<float, SIZE>;

    FilterTaps design(std::int64_t first, std::int64_t last);

    int d_order;
    Fft d_fft;
    std::array<float, SIZE> d_window;
    // Of the last KEPT_BLOCKS blocks, by number modulo that.
    std::vector<Spectrum> d_spectra;
    std::vector<float> d_kept_real, d_kept_imag;
    std::int64_t d_taken = 0;
    std::int64_t d_whitened = 0;
    std::vector<float> d_real, d_imag; //!< order samples before a block, and it
};

} // namespace gr::vqdeepsc::kernel

#endif
