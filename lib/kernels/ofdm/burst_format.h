/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_BURST_FORMAT_H
#define INCLUDED_VQDEEPSC_KERNEL_BURST_FORMAT_H

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! The preamble: a short symbol sent several times with signs; the same for all FFT sizes. */
constexpr int SHORT_SYMBOL_SAMPLES = 64;
constexpr std::array<int, 9> SHORT_SYMBOL_SIGNS = { 1, 1, -1, 1, -1, -1, -1, 1, 1 };
constexpr int PREAMBLE_SAMPLES = SHORT_SYMBOL_SAMPLES * static_cast<int>(SHORT_SYMBOL_SIGNS.size());

/*! One short symbol, mean power 13/16 where a data carrier has 1. */
std::array<std::complex<float>, SHORT_SYMBOL_SAMPLES> short_symbol();

/*! The coded header is sent with QPSK. */
constexpr int HEADER_QPSK_SYMBOLS = 768;
constexpr int HEADER_BITS_PER_SYMBOL = 2;
constexpr std::size_t CODED_HEADER_BITS = HEADER_BITS_PER_SYMBOL * HEADER_QPSK_SYMBOLS;

/*! How the OFDM symbols of a payload differ from those of the header, for channels that fade more
 * quickly. The number in the header of a burst is the index to BURST_PROFILES.
 */
struct BurstProfile {
    const char* name;
    int fft_divisor;      //!< the FFT size is the header's by that, but 64 at least
    int pilots_per_group; //!< 1 or 2
};
extern const std::array<BurstProfile, 3> BURST_PROFILES;

/*! Where carriers, pilots and training lie (docs/air-interface.md). Immutable.
 *
 * The used carriers are counted from the lowest frequency up, without the one at 0: position u of
 * 13/16 fft_size. In each group of 13 neighbours, one is a pilot (two in the payload of some
 * profiles) and the others carry data; the pilot's position in the group depends on the number of
 * the OFDM symbol after the training.
 */
class BurstFormat
{
public:
    static constexpr int GROUP = 13;
    /*! Positions that the pilots move up from one OFDM symbol to the next. */
    static constexpr int PILOT_STEP = 5;

    /*! \param fft_size      64, 128, 256, 512 or 1,024
     *  \param cyclic_prefix samples, 8 to fft_size / 2
     *  \throws std::invalid_argument naming the value that is out of range
     */
    BurstFormat(int fft_size = 256, int cyclic_prefix = 32);

    /*! The OFDM symbols of the payload in a profile above 0, which are counted from 0; there is no
     * training and no header among them.
     */
    BurstFormat payload_format(int profile) const;

    int fft_size() const { return d_fft_size; }
    int cyclic_prefix() const { return d_cyclic_prefix; }
    int symbol_samples() const { return d_fft_size + d_cyclic_prefix; }
    int used_carriers() const { return d_fft_size / 16 * GROUP; }
    int pilots_per_group() const { return d_pilots_per_group; }
    int pilot_carriers() const { return d_fft_size / 16 * d_pilots_per_group; }
    int data_carriers() const { return used_carriers() - pilot_carriers(); }
    /*! Cyclic prefix and two equal training symbols. */
    int training_samples() const { return d_payload_only ? 0 : d_cyclic_prefix + 2 * d_fft_size; }
    int header_symbols() const
    {
        return d_payload_only ? 0 : HEADER_QPSK_SYMBOLS / data_carriers();
    }
    /*! OFDM symbols for a number of QAM symbols. */
    std::size_t payload_symbols(std::size_t qam_symbols) const;
    /*! Samples from the first of the training to the last of the header. */
    std::size_t training_and_header_samples() const;
    /*! The same to the end of a burst with that many QAM symbols of payload. */
    std::size_t samples_after_preamble(std::size_t qam_symbols, int profile = 0) const;

    /*! Frequency of position u in units of 1 / fft_size cycles per sample: -K/2 to -1, 1 to K/2. */
    int carrier(int u) const { return u - used_carriers() / 2 + (u >= used_carriers() / 2); }
    /*! The inverse of carrier(). */
    int position(int carrier) const { return carrier + used_carriers() / 2 - (carrier > 0); }
    /*! Where an FFT puts the carrier at position u. */
    int bin(int u) const { return carrier(u) & (d_fft_size - 1); }

    /*! Value of the training symbol at each position; |value| = 1. */
    const std::vector<std::complex<float>>& training() const { return d_training; }
    /*! Positions of the pilots, ascending, in OFDM symbol number symbol after the training. */
    const std::vector<int>& pilot_positions(std::size_t symbol) const
    {
        return d_pilot_positions[symbol % GROUP];
    }
    /*! Which of them is at a position. */
    int pilot_index(std::size_t symbol, int position) const
    {
        return position / GROUP * d_pilots_per_group +
               d_pilot_ranks[symbol % GROUP][position % GROUP];
    }
    /*! Positions of the data. */
    const std::vector<int>& data_positions(std::size_t symbol) const
    {
        return d_data_positions[symbol % GROUP];
    }
    /*! +1 or -1 of each pilot of symbols OFDM symbols, symbol by symbol. */
    std::vector<float> pilots(std::size_t symbols) const;
    /*! Bits added modulo 2 to those that are sent: the header's coded bits, then the payload's. */
    static std::vector<std::uint8_t> scrambling(std::size_t bits);

private:
    BurstFormat(int fft_size, int cyclic_prefix, int pilots_per_group, bool payload_only);

    int d_fft_size;
    int d_cyclic_prefix;
    int d_pilots_per_group;
    bool d_payload_only;
    std::vector<std::complex<float>> d_training;
    std::array<std::vector<int>, GROUP> d_pilot_positions;
    std::array<std::vector<int>, GROUP> d_data_positions;
    std::array<std::array<int, GROUP>, GROUP> d_pilot_ranks{}; //!< within their group
};

} // namespace gr::vqdeepsc::kernel

#endif
