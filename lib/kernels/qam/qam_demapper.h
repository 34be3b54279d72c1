/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_QAM_DEMAPPER_H
#define INCLUDED_VQDEEPSC_KERNEL_QAM_DEMAPPER_H

#include "kernels/base/cpu_features.h"
#include "qam_demapper_job.h"

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>

namespace gr::vqdeepsc::kernel {

/*! Soft demapper for the Gray QAM of qam_points(): LLR = ln P(bit = 1) / P(bit = 0), all labels
 * equally probable, for each bit of each symbol, b0 first.
 *
 * Noise is N0 per complex symbol (N0 / 2 per real dimension). Zero, negative and tiny densities
 * count as smallest_noise. LLRs lie in [-llr_limit, llr_limit]; a symbol or density that is not a
 * number gives 0. Objects are immutable, so one may serve several threads.
 */
class QamDemapper
{
public:
    enum class Method {
        max_log, //!< (min over b=0 of |y-s|^2 - min over b=1 of |y-s|^2) / N0
        exact    //!< ln(sum over b=1 of exp(-|y-s|^2 / N0)) - the same for b=0
    };

    /*! \throws std::invalid_argument if bits_per_symbol is not 2, 4, 6 or 8 */
    explicit QamDemapper(int bits_per_symbol,
                         Method method = Method::max_log,
                         InstructionSet set = best_instruction_set());

    int bits_per_symbol() const { return d_bits_per_symbol; }
    Method method() const { return d_method; }

    /*! symbols complex values, one noise density -> symbols * bits_per_symbol() LLRs. */
    void demap(const std::complex<float>* input,
               std::size_t symbols,
               float noise,
               float* llr) const;

    /*! The same with the noise density of each symbol. */
    void demap(const std::complex<float>* input,
               std::size_t symbols,
               const float* noise,
               float* llr) const;

    /*! LLR * steps_per_nat, rounded to the nearest integer and clipped to +-saturation.
     * \throws std::invalid_argument as check_quantisation()
     */
    void demap(const std::complex<float>* input,
               std::size_t symbols,
               float noise,
               std::int8_t* llr,
               float steps_per_nat,
               int saturation) const;

    /*! The same with the noise density of each symbol. */
    void demap(const std::complex<float>* input,
               std::size_t symbols,
               const float* noise,
               std::int8_t* llr,
               float steps_per_nat,
               int saturation) const;

private:
    QamDemapperJob job(const std::complex<float>* input, std::size_t symbols) const;

    int d_bits_per_symbol;
    float d_half_distance;
    Method d_method;
    InstructionSet d_set;
};

/*! \throws std::invalid_argument unless 0 < steps_per_nat <= 1e6 and 1 <= saturation <= 127 */
void check_quantisation(float steps_per_nat, int saturation);

/*! Reads "maxlog" or "exact".
 * \throws std::invalid_argument naming any other value
 */
QamDemapper::Method demapper_method_from_name(const std::string& name);

/*! The name that demapper_method_from_name() reads. */
std::string demapper_method_name(QamDemapper::Method method);

} // namespace gr::vqdeepsc::kernel

#endif
