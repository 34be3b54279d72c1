/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qam_demapper.h"

#include "qam_constellation.h"

#include <stdexcept>

namespace gr::vqdeepsc::kernel {

namespace {

void run([[maybe_unused]] InstructionSet set, const QamDemapperJob& job)
{
#if defined(__x86_64__)
    if (set == InstructionSet::avx512) {
        return qam_demap_avx512(job);
    }
    if (set == InstructionSet::avx2) {
        return qam_demap_avx2(job);
    }
    if (set == InstructionSet::sse41) {
        return qam_demap_sse41(job);
    }
#endif
    qam_demap_portable(job);
}

} // namespace

void check_quantisation(float steps_per_nat, int saturation)
{
    if (!(steps_per_nat > 0.0f && steps_per_nat <= 1.0e6f)) {
        throw std::invalid_argument("steps_per_nat is " + std::to_string(steps_per_nat) +
                                    ", must be above 0 and at most 1e6");
    }
    if (saturation < 1 || saturation > 127) {
        throw std::invalid_argument("saturation is " + std::to_string(saturation) +
                                    ", must be 1 to 127");
    }
}

QamDemapper::QamDemapper(int bits_per_symbol, Method method, InstructionSet set)
    : d_bits_per_symbol(bits_per_symbol),
      d_half_distance(static_cast<float>(qam_half_distance(bits_per_symbol))),
      d_method(method),
      d_set(set)
{
}

QamDemapperJob QamDemapper::job(const std::complex<float>* input, std::size_t symbols) const
{
    QamDemapperJob job{};
    job.bits_per_symbol = d_bits_per_symbol;
    job.exact = d_method == Method::exact;
    job.half_distance = d_half_distance;
    job.input = reinterpret_cast<const float*>(input);
    job.symbols = symbols;
    return job;
}

void QamDemapper::demap(const std::complex<float>* input,
                        std::size_t symbols,
                        float noise,
                        float* llr) const
{
    QamDemapperJob work = job(input, symbols);
    work.uniform_noise = noise;
    work.llr = llr;
    run(d_set, work);
}

void QamDemapper::demap(const std::complex<float>* input,
                        std::size_t symbols,
                        const float* noise,
                        float* llr) const
{
    QamDemapperJob work = job(input, symbols);
    work.noise = noise;
    work.llr = llr;
    run(d_set, work);
}

void QamDemapper::demap(const std::complex<float>* input,
                        std::size_t symbols,
                        float noise,
                        std::int8_t* llr,
                        float steps_per_nat,
                        int saturation) const
{
    check_quantisation(steps_per_nat, saturation);
    QamDemapperJob work = job(input, symbols);
    work.uniform_noise = noise;
    work.quantised = llr;
    work.steps_per_nat = steps_per_nat;
    work.saturation = static_cast<float>(saturation);
    run(d_set, work);
}

void QamDemapper::demap(const std::complex<float>* input,
                        std::size_t symbols,
                        const float* noise,
                        std::int8_t* llr,
                        float steps_per_nat,
                        int saturation) const
{
    check_quantisation(steps_per_nat, saturation);
    QamDemapperJob work = job(input, symbols);
    work.noise = noise;
    work.quantised = llr;
    work.steps_per_nat = steps_per_nat;
    work.saturation = static_cast<float>(saturation);
    run(d_set, work);
}

QamDemapper::Method demapper_method_from_name(const std::string& name)
{
    if (name == "maxlog") {
        return QamDemapper::Method::max_log;
    }
    if (name == "exact") {
        return QamDemapper::Method::exact;
    }
    throw std::invalid_argument("method is '" + name + "', must be 'maxlog' or 'exact'");
}

std::string demapper_method_name(QamDemapper::Method method)
{
    return method == QamDemapper::Method::exact ? "exact" : "maxlog";
}

} // namespace gr::vqdeepsc::kernel
