/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_BURST_DEMODULATOR_H
#define INCLUDED_VQDEEPSC_KERNEL_BURST_DEMODULATOR_H

#include "burst_format.h"
#include "burst_header.h"
#include "channel_smoother.h"
#include "channel_tracker.h"
#include "drift_filter.h"
#include "expected_headers.h"
#include "fft.h"
#include "kernels/ldpc/ldpc_transport.h"
#include "kernels/qam/qam_demapper.h"

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! How well a burst was received. */
struct BurstQuality {
    double snr_db;           //!< mean Es/N0 of the carriers
    double evm_db;           //!< mean error of the pilots after equalisation, by their power
    double cfo;              //!< frequency offset in cycles per sample
    double clock_offset_ppm; //!< above 0: the receiver's clock is faster
};

/*! Samples after a preamble to header and LLRs.
 *
 * The training gives timing, fine frequency offset, channel and noise, and the decoded header
 * gives them once more. Phase and timing are followed from OFDM symbol to OFDM symbol by the
 * pilots, forwards and backwards over the burst. Where the pilots show that gain or channel change
 * too, these are followed as well; noise is measured once more in each OFDM symbol, and counts
 * where it is another. An object serves one thread at a time; different
 * objects share nothing.
 */
class BurstDemodulator
{
public:
    explicit BurstDemodulator(const BurstFormat& format);

    const BurstFormat& format() const { return d_format; }

    /*! \param samples format().training_and_header_samples() samples from the training on
     *  \param cfo     frequency offset in cycles per sample, right within a quarter of a carrier
     *  \param dc      constant in the samples of the burst, which is taken away
     *  \param expected headers of which one is taken where a fade leaves too little to decode, or
     *         null
     */
    ReceivedHeader receive_header(const std::complex<float>* samples,
                                  double cfo,
                                  std::complex<float> dc = 0.0f,
                                  ExpectedHeaders* expected = nullptr);

    /*! Goes on where receive_header() ended.
     * \param header  what it returned, free of errors
     * \param samples as many as format().samples_after_preamble() says of the header's QAM symbols
     *        and profile, beginning with those of receive_header()
     * \param llrs    header.coded_bits() values LLR = ln P(1) / P(0)
     */
    void receive_payload(const BurstHeader& header,
                         const std::complex<float>* samples,
                         float* llrs);

    /*! Whether a payload follows a header that receive_header() returned, so that receive_payload()
     * and a decoder are worth their time: its pilots are seen, in at most 32 OFDM symbols.
     * Parameters as in receive_payload().
     */
    bool has_payload(const BurstHeader& header, const std::complex<float>* samples);

    /*! Whether the payload is still seen where another burst begins, after receive_header().
     * \param header  what it returned
     * \param samples from the training on, last_sample of them
     * \param first_sample, last_sample where to look; true where that is too little to say
     */
    bool payload_goes_on(const BurstHeader& header,
                         const std::complex<float>* samples,
                         std::size_t first_sample,
                         std::size_t last_sample);

    /*! Of what was received last. */
    BurstQuality quality() const;

    /*! Data carriers of the OFDM symbol that was received last, after equalisation. */
    const std::vector<std::complex<float>>& last_symbols() const
    {
        return d_payload ? d_payload->d_data : d_data;
    }

private:
    using Complex = std::complex<float>;
    using Carriers = std::vector<Complex>;         //!< a value for each used carrier
    static constexpr double LOWEST_NOISE = 1.0e-6; //!< of the signal
    static constexpr int RESTART = 32; //!< products of phasors, before rounding errors add up

    /*! Samples of a burst that are not there, and the first OFDM symbol that they are missing in.
     */
    struct Jump {
        int lost = 0;
        std::size_t symbol = 0;
    };

    void ensure_pilots(std::size_t symbols);
    void set_cfo(double cfo);
    void blank_impulses(float* samples, int count);
    void transform(const Complex* samples, std::size_t start, Carriers& carriers);
    double transform_training(const Complex* samples);
    bool is_training() const;
    bool header_is_stronger(const Complex* samples) const;
    void estimate_timing();
    void estimate_from_training();
    void estimate_from_header();
    BurstDemodulator& continued(int profile);
    void demodulate(const BurstHeader& header, const Complex* samples, float* llrs);
    void begin_tracking();
    void receive_symbol(const Complex* samples, std::size_t symbol, bool known);
    void finish_tracking();
    void receive_symbols(const Complex* samples, std::size_t symbols);
    void demap(std::size_t symbol, const QamDemapper& demapper, std::size_t count, float* llrs);
    void measure_pilots(std::size_t symbols);
    void track_header(const Complex* samples, bool known);
    // burst_demodulator_expected.cc
    const ExpectedHeaders::Candidate* recognise(
        const Complex* samples, const std::vector<ExpectedHeaders::Candidate>& candidates);
    // burst_demodulator_changes.cc
    void carrier_rotations(double phase, double slope, Carriers& rotations) const;
    void pilot_rotations(std::size_t symbol, double phase, double slope, Carriers& rotations) const;
    void rotated_channel(std::size_t symbol);
    void rotated_pilots(std::size_t symbol);
    void follow_changes(const Complex* samples, std::size_t symbols);
    void transform_symbols(const Complex* samples, std::size_t symbols);
    void measure_misses(std::size_t symbols);
    void find_outliers(std::size_t symbols);
    void follow_gain(std::size_t symbols);
    double mean_miss(std::size_t symbols) const;
    void set_symbol_noise(std::size_t symbols);
    bool set_header_noise(std::size_t symbols);
    bool pilots_agree(std::size_t symbols) const;
    std::vector<double> delay_profile(std::size_t symbols, double header_weight);
    std::vector<double> fast_delay_profile(std::size_t symbols) const;
    // burst_demodulator_fading.cc
    void block_error(std::size_t first, Carriers& error);
    bool channel_moves(std::size_t symbols);
    std::complex<double> later_products(std::size_t symbols, std::size_t lag) const;
    std::complex<double> across(std::size_t lag) const;
    std::complex<double> rotation(std::size_t symbols, std::size_t lag) const;
    double pilot_frequency(std::size_t symbols) const;
    double pilot_doppler(std::size_t symbols) const;
    bool header_is_flat() const;
    void shift_cfo(const Complex* samples, std::size_t symbols, double frequency);
    void follow_channel(const Complex* samples, std::size_t symbols, bool header_is_known);
    void observe_training();
    void observe(std::size_t symbols, std::size_t known);
    // burst_demodulator_jump.cc
    bool pilots_are_seen(std::size_t payload, const Complex* samples);
    int early_prefixes(const Complex* samples, std::size_t symbols) const;
    void measure_pilot_values(const Complex* samples,
                              std::size_t symbol,
                              int early,
                              Carriers& values);
    Jump find_jump(const Complex* samples, std::size_t symbols);
    std::complex<double> common_phasor(const Complex* samples, std::size_t first, std::size_t last);
    void realign(const Complex* samples, std::size_t symbols, const Jump& jump);
    ReceivedHeader decode_header(CodedHeader& coded);
    void descramble(std::size_t first_bit, std::size_t bits, float* llrs);
    double phase_per_carrier() const;

    BurstFormat d_format;
    Fft d_fft;
    Fft d_inverse;
    ChannelSmoother d_smoother;
    ChannelTracker d_tracker;
    BurstHeaderCodec d_header_codec;
    std::vector<QamDemapper> d_demappers; //!< by bits_per_symbol / 2 - 1

    // For the OFDM symbols of a profile above 0, made when the first such burst comes.
    std::array<std::unique_ptr<BurstDemodulator>, BURST_PROFILES.size()> d_payloads;
    const BurstDemodulator* d_payload = nullptr; //!< the one that received the last payload
    double d_header_weight; //!< OFDM symbols that the channel estimate is from, with the training's

    Complex d_dc = 0.0f;
    double d_cfo = 0.0;
    int d_window = 0;              //!< samples of the cyclic prefix that the FFT skips
    double d_noise = 0.0;          //!< N0 of the carriers that nothing else disturbs
    double d_signal = 0.0;         //!< mean |channel|^2
    double d_training_noise = 0.0; //!< N0 from the training alone
    double d_pilot_error = 0.0;
    double d_pilot_power = 0.0;
    std::vector<float> d_powers, d_sorted; //!< of the samples of an FFT
    std::vector<Complex> d_rotation;       //!< e^(-2 pi i cfo n), n samples
    Carriers d_first, d_second;            //!< the training symbols as received
    Carriers d_training_estimate;
    Carriers d_channel;
    std::vector<float> d_excess_noise; //!< of each carrier, as a multiple of d_noise, at least 1
    std::vector<Carriers> d_received;  //!< by OFDM symbol
    std::vector<int> d_shift;          //!< by OFDM symbol: samples that its window starts later
    std::vector<Complex> d_header_points;
    DriftFilter d_phase;  //!< radians
    DriftFilter d_timing; //!< samples
    std::vector<double> d_phases, d_timings;
    std::vector<float> d_pilots;
    std::vector<float> d_scrambling; //!< -1 where a bit is inverted, else 1
    Carriers d_rotated, d_rotations;
    std::vector<Complex> d_realigned;        //!< samples of a burst with those that were lost
    double d_header_phase = 0.0;             //!< after the header, radians
    double d_header_rate = 0.0;              //!< and how it goes on, radians per OFDM symbol
    bool d_moves = false;                    //!< whether d_moving holds the channel
    std::vector<Carriers> d_moving;          //!< by OFDM symbol
    std::vector<float> d_gains;              //!< by OFDM symbol, or empty
    std::vector<double> d_misses;            //!< mean |error|^2 of the pilots, by OFDM symbol
    std::vector<char> d_outliers;            //!< by OFDM symbol
    std::vector<float> d_symbol_noise;       //!< N0, by OFDM symbol
    std::vector<Complex> d_errors;           //!< of the carriers that are known
    std::vector<double> d_error_frequencies; //!< their frequencies in radians per sample
    std::vector<Complex> d_data, d_data_channel;
    std::vector<float> d_data_noise, d_symbol_llrs;
};

} // namespace gr::vqdeepsc::kernel

#endif
