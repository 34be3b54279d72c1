/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_FFT_H
#define INCLUDED_VQDEEPSC_KERNEL_FFT_H

#include <complex>
#include <memory>

namespace gr::vqdeepsc::kernel {

/*! Complex Fourier transform of a fixed size, without scaling, from one buffer of its own to
 * another. Objects share nothing; they may be made and destroyed in any thread.
 */
class Fft
{
public:
    enum class Direction {
        forward, //!< exponent -2 pi i k n / size
        backward //!< exponent +2 pi i k n / size
    };

    Fft(int size, Direction direction);
    ~Fft();
    Fft(Fft&&) noexcept;
    Fft& operator=(Fft&&) noexcept;

    int size() const { return d_size; }
    std::complex<float>* input();
    const std::complex<float>* output() const;

    /*! Transforms input() to output(); input() keeps its values. */
    void execute();

private:
    struct Plan;
    int d_size;
    std::unique_ptr<Plan> d_plan;
};

} // namespace gr::vqdeepsc::kernel

#endif
