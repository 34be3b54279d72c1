/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_QAM_DEMAPPER_JOB_H
#define INCLUDED_VQDEEPSC_KERNEL_QAM_DEMAPPER_JOB_H

#include <cstddef>
#include <cstdint>

namespace gr::vqdeepsc::kernel {

/*! Largest magnitude of a log-likelihood ratio that the demapper gives. */
constexpr float llr_limit = 1.0e6f;

/*! Noise densities from here on mean that nothing is known: the ratios are exactly 0. */
constexpr float erasure_noise = 1.0e30f;

/*! A smaller density counts as this one, whose inverse a float still holds. */
constexpr float smallest_noise = 1.0e-30f;

/*! One call of the demapper, as the code of each instruction set takes it. */
struct QamDemapperJob {
    int bits_per_symbol;
    bool exact;
    float half_distance;
    const float* input; //!< 2 * symbols: real, imaginary
    std::size_t symbols;
    const float* noise; //!< symbols densities, or nullptr for uniform_noise
    float uniform_noise;
    float* llr;             //!< symbols * bits_per_symbol, or nullptr
    std::int8_t* quantised; //!< symbols * bits_per_symbol if llr is nullptr
    float steps_per_nat;
    float saturation;
};

void qam_demap_portable(const QamDemapperJob& job);
void qam_demap_sse41(const QamDemapperJob& job);
void qam_demap_avx2(const QamDemapperJob& job);
void qam_demap_avx512(const QamDemapperJob& job);

} // namespace gr::vqdeepsc::kernel

#endif
