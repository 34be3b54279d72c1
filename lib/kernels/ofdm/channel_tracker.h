/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_CHANNEL_TRACKER_H
#define INCLUDED_VQDEEPSC_KERNEL_CHANNEL_TRACKER_H

#include "burst_format.h"
#include "kernels/base/aligned_vector.h"
#include "kernels/base/hermitian_system.h"

#include <complex>
#include <cstddef>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! The channel of a burst that changes while it lasts, from all carriers that are known.
 *
 * Linear MMSE estimate (P. Hoeher et al., "Two-dimensional pilot-symbol-aided channel estimation
 * by Wiener filtering", 1997): each delay fades as a sum of a few frequencies up to the Doppler
 * spread, which is the one of several classes under which the observations are likeliest.
 * Observations are in the order of time; the burst is treated in overlapping pieces. An object
 * serves one thread at a time.
 */
class ChannelTracker
{
public:
    /*! Delays with less of the energy are left out. */
    static constexpr double WEAKEST_DELAY = 3.0e-4;
    /*! Cycles per OFDM symbol, above which the pilots could be of another delay as well. */
    static constexpr double HIGHEST_DOPPLER = 0.18;

    explicit ChannelTracker(const BurstFormat& format);

    /*! Delays that are looked at, in samples: from -margin() to the cyclic prefix + margin(). */
    int delays() const { return d_delays; }

    /*! Forgets all observations. */
    void begin();

    /*! Takes the pilots of an OFDM symbol.
     * \param symbol number after the training, which is its time too
     * \param values received values by the sent ones, pilot_carriers() of them
     * \param weight 1 / noise, as a multiple of that of the others; 0: not used
     */
    void observe_pilots(std::size_t symbol, const std::complex<float>* values, double weight);

    /*! Takes all carriers of the training or of an OFDM symbol that is known.
     * \param time in OFDM symbols; below 0: in the training
     */
    void observe_all(double time, const std::complex<float>* values, double weight);

    /*! Estimates the channel of OFDM symbols 0 to symbols - 1.
     * \param profile mean power of each delay, delays() values; 0: not there
     * \param noise   N0 of the observations of weight 1
     * \param doppler where the search for the spread begins, in cycles per OFDM symbol
     */
    void track(std::size_t symbols,
               const std::vector<double>& profile,
               double noise,
               double doppler);

    /*! Mean power of each delay as track() found it, for another call; 0 where it is noise. */
    const std::vector<double>& profile() const { return d_profile; }

    /*! The Doppler spread that it found, in cycles per OFDM symbol. */
    double doppler() const { return d_doppler; }

    /*! The channel of an OFDM symbol, used_carriers() values. */
    void channel(std::size_t symbol, std::vector<std::complex<float>>& values) const;

    /*! Mean error variance of the channel, as a multiple of N0. */
    double error() const { return d_error; }

    /*! Middle of the Doppler spectrum in radians per OFDM symbol. */
    double mean_frequency() const { return d_mean_frequency; }

private:
    struct Observation {
        double time;
        int kind; // number of the pilots' positions, or ALL
        double weight;
    };
    struct Piece {
        std::size_t first, last;               // observations
        std::size_t first_symbol, last_symbol; // that are taken from it
        double begin, length;                  // symbols
    };
    static constexpr int ALL = BurstFormat::GROUP;

    void observe(double time, int kind, const std::complex<float>* values, double weight);
    std::vector<Piece> pieces(std::size_t symbols, double doppler) const;
    double fit(const Piece& piece,
               const std::vector<double>& profile,
               double noise,
               double doppler);
    void take(const Piece& piece);
    void summarise(std::size_t symbols, double noise);

    const int d_carriers;
    const int d_pilots;
    const int d_delays;
    InstructionSet d_set = best_instruction_set();
    std::vector<int> d_carrier; //!< frequency of each position
    std::vector<std::vector<int>> d_positions;
    //! e^(2 pi i carrier delay / N): delays x positions
    std::vector<std::complex<float>> d_rotations;
    // The same the other way round, rows padded.
    const std::size_t d_row;
    AlignedVector<float> d_rotation_rows_real, d_rotation_rows_imag;
    std::vector<std::complex<double>> d_grams; //!< kinds x lags of delay
    std::vector<Observation> d_observations;
    std::vector<std::complex<double>> d_matched;       //!< observations x delays
    AlignedVector<float> d_values_real, d_values_imag; //!< of an observation
    AlignedVector<float> d_sums_real, d_sums_imag;     //!< by delay
    // Of the last fit.
    HermitianSystem d_system;
    std::vector<int> d_taps;                                       //!< delays that are used
    std::vector<double> d_frequencies;                             //!< radians per symbol
    std::vector<std::complex<double>> d_solution, d_best_solution; //!< taps x frequencies
    std::vector<int> d_best_taps;
    std::vector<double> d_best_frequencies;
    double d_fit_error = 0.0, d_best_error = 0.0;

    std::vector<std::complex<float>> d_impulses; //!< symbols x delays
    double d_error = 0.0;
    double d_doppler = 0.0;
    std::vector<double> d_profile; //!< delays
    double d_mean_frequency = 0.0;
};

} // namespace gr::vqdeepsc::kernel

#endif
