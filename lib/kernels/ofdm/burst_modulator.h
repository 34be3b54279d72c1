/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_BURST_MODULATOR_H
#define INCLUDED_VQDEEPSC_KERNEL_BURST_MODULATOR_H

#include "burst_format.h"
#include "burst_header.h"
#include "fft.h"
#include "kernels/ldpc/ldpc_transport.h"

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Header and coded payload bits to the samples of a burst: preamble, training, header, payload.
 * An object serves one thread at a time; different objects share nothing.
 */
class BurstModulator
{
public:
    explicit BurstModulator(const BurstFormat& format);

    const BurstFormat& format() const { return d_symbols.format; }

    /*! Root mean square of the samples, above 0; 0.3 at first.
     * \throws std::invalid_argument naming any other value */
    void set_amplitude(float amplitude);
    float amplitude() const { return d_amplitude; }

    /*! Largest magnitude of a sample, above 0; what is larger is cut. 1 at first.
     * \throws std::invalid_argument naming any other value */
    void set_peak(float peak);
    float peak() const { return d_peak; }

    /*! Samples of a burst with such a header. */
    std::size_t burst_samples(const BurstHeader& header) const;

    /*! \param header  what is sent first
     *  \param coded   header.coded_bits() bytes of which the lowest bit counts
     *  \param samples burst_samples(header) samples
     *  \throws std::invalid_argument with what header.error() says
     */
    void modulate(const BurstHeader& header,
                  const std::uint8_t* coded,
                  std::complex<float>* samples);

private:
    // OFDM symbols of one format.
    struct Symbols {
        explicit Symbols(const BurstFormat& format);
        void ensure_pilots(std::size_t symbols);
        BurstFormat format;
        Fft fft;
        std::vector<float> pilots;
    };

    static void modulate_symbol(Symbols& symbols, float scale, std::complex<float>* samples);
    std::complex<float>* modulate_bits(Symbols& grid,
                                       const std::uint8_t* bits,
                                       std::size_t count,
                                       std::size_t first_scrambling_bit,
                                       int bits_per_symbol,
                                       std::size_t first_symbol,
                                       std::size_t symbols,
                                       std::complex<float>* samples);

    Symbols d_symbols;                                //!< of the header, and of profile 0
    std::vector<std::unique_ptr<Symbols>> d_payloads; //!< by profile, of those that were sent
    float d_amplitude = 0.3f;
    float d_peak = 1.0f;
    BurstHeaderCodec d_header_codec;
    std::array<std::complex<float>, SHORT_SYMBOL_SAMPLES> d_short_symbol;
    std::vector<std::vector<std::complex<float>>> d_points; //!< by bits_per_symbol / 2 - 1
    std::vector<std::uint8_t> d_scrambling;
};

} // namespace gr::vqdeepsc::kernel

#endif
