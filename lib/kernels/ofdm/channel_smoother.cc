/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "channel_smoother.h"

#include "kernels/base/complex_rows.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace gr::vqdeepsc::kernel {

namespace {

// A delay with less of its energy outside of those before has no direction of its own.
constexpr float INDEPENDENT = 1.0e-3f;
// Of the energy of a tap: keeps what the unused carriers hide from becoming large.
constexpr double REGULARISATION = 1.0e-3;

using Complex = std::complex<double>;

// Solves A X = B for a Hermitian, positive definite A (n x n) and B (n x m), in place, rows first.
void solve(std::vector<Complex>& a, std::vector<Complex>& b, int n, int m)
{
    for (int j = 0; j < n; ++j) {
        for (int i = j; i < n; ++i) {
            Complex sum = a[i * n + j];
            for (int k = 0; k < j; ++k) {
                sum -= a[i * n + k] * std::conj(a[j * n + k]);
            }
            a[i * n + j] = i == j ? Complex(std::sqrt(sum.real())) : sum / a[j * n + j];
        }
    }
    for (int i = 0; i < n; ++i) {
        for (int k = 0; k < i; ++k) {
            for (int c = 0; c < m; ++c) {
                b[i * m + c] -= a[i * n + k] * b[k * m + c];
            }
        }
        for (int c = 0; c < m; ++c) {
            b[i * m + c] /= a[i * n + i];
        }
    }
    for (int i = n - 1; i >= 0; --i) {
        for (int k = i + 1; k < n; ++k) {
            for (int c = 0; c < m; ++c) {
                b[i * m + c] -= std::conj(a[k * n + i]) * b[k * m + c];
            }
        }
        for (int c = 0; c < m; ++c) {
            b[i * m + c] /= a[i * n + i];
        }
    }
}

// Sum of conj(a) b.
std::complex<float> inner(const std::complex<float>* a, const std::complex<float>* b, int count)
{
    float real = 0.0f;
    float imag = 0.0f;
    for (int u = 0; u < count; ++u) {
        real += a[u].real() * b[u].real() + a[u].imag() * b[u].imag();
        imag += a[u].real() * b[u].imag() - a[u].imag() * b[u].real();
    }
    return { real, imag };
}

// a -= factor b
void subtract(std::complex<float>* a,
              std::complex<float> factor,
              const std::complex<float>* b,
              int count)
{
    const float c = factor.real();
    const float d = factor.imag();
    for (int u = 0; u < count; ++u) {
        a[u] = { a[u].real() - c * b[u].real() + d * b[u].imag(),
                 a[u].imag() - c * b[u].imag() - d * b[u].real() };
    }
}

} // namespace

ChannelSmoother::ChannelSmoother(const BurstFormat& format)
    : d_carriers(format.used_carriers()),
      d_taps(format.cyclic_prefix() + 1 + 2 * MARGIN),
      d_row(padded_row<float>(d_taps)),
      d_fit_real(d_row * d_carriers),
      d_fit_imag(d_row * d_carriers),
      d_long_row(padded_row<float>(d_carriers)),
      d_expand_real(d_long_row * d_taps),
      d_expand_imag(d_long_row * d_taps),
      d_impulse(d_taps),
      d_real(d_long_row),
      d_imag(d_long_row),
      d_numbers(std::max(d_carriers, d_taps))
{
    std::iota(d_numbers.begin(), d_numbers.end(), 0);
    const int size = format.fft_size();
    const auto phasor = [size](int carrier, int delay) {
        return std::polar(1.0, -2.0 * M_PI * carrier * delay / size);
    };
    std::vector<Complex> gram(static_cast<std::size_t>(d_taps) * d_taps);
    for (int lag = 0; lag < d_taps; ++lag) {
        Complex sum = 0.0;
        for (int u = 0; u < d_carriers; ++u) {
            sum += std::conj(phasor(format.carrier(u), lag));
        }
        for (int i = lag; i < d_taps; ++i) {
            gram[i * d_taps + i - lag] = sum;
            gram[(i - lag) * d_taps + i] = std::conj(sum);
        }
    }
    for (int i = 0; i < d_taps; ++i) {
        gram[i * d_taps + i] += d_carriers * REGULARISATION;
    }
    std::vector<Complex> fit(static_cast<std::size_t>(d_taps) * d_carriers);
    for (int tap = 0; tap < d_taps; ++tap) {
        for (int u = 0; u < d_carriers; ++u) {
            const Complex value = phasor(format.carrier(u), tap - MARGIN);
            d_expand.emplace_back(value);
            d_expand_real[tap * d_long_row + u] = d_expand.back().real();
            d_expand_imag[tap * d_long_row + u] = d_expand.back().imag();
            fit[tap * d_carriers + u] = std::conj(value);
        }
    }
    solve(gram, fit, d_taps, d_carriers);
    for (int tap = 0; tap < d_taps; ++tap) {
        float sum = 0.0f;
        for (int u = 0; u < d_carriers; ++u) {
            const std::complex<float> value(fit[static_cast<std::size_t>(tap) * d_carriers + u]);
            d_fit_real[u * d_row + tap] = value.real();
            d_fit_imag[u * d_row + tap] = value.imag();
            sum += std::norm(value);
        }
        d_variances.push_back(sum);
    }
}

const std::vector<std::complex<float>>& ChannelSmoother::impulse_response(
    const std::vector<std::complex<float>>& channel)
{
    for (int u = 0; u < d_carriers; ++u) {
        d_real[u] = channel[u].real();
        d_imag[u] = channel[u].imag();
    }
    d_sums_real.assign(d_row, 0.0f);
    d_sums_imag.assign(d_row, 0.0f);
    const ComplexRows<float> rows = { d_fit_real.data(),
                                      d_fit_imag.data(),
                                      d_row,
                                      d_numbers.data(),
                                      static_cast<std::size_t>(d_carriers),
                                      d_real.data(),
                                      d_imag.data() };
    add_rows(d_set, rows, d_sums_real.data(), d_sums_imag.data(), d_row);
    for (int tap = 0; tap < d_taps; ++tap) {
        d_impulse[tap] = { d_sums_real[tap], d_sums_imag[tap] };
    }
    return d_impulse;
}

std::vector<std::vector<std::complex<float>>> ChannelSmoother::directions(
    std::vector<std::complex<float>> channel, std::size_t most, float least) const
{
    std::vector<std::vector<std::complex<float>>> result;
    while (result.size() < most) {
        int best = 0;
        float power = 0.0f;
        for (int tap = 0; tap < d_taps; ++tap) {
            const auto* delay = d_expand.data() + static_cast<std::size_t>(tap) * d_carriers;
            const float explained = std::norm(inner(delay, channel.data(), d_carriers));
            if (explained > power) {
                power = explained;
                best = tap;
            }
        }
        const auto* delay = d_expand.data() + static_cast<std::size_t>(best) * d_carriers;
        std::vector<std::complex<float>> direction(delay, delay + d_carriers);
        const float alone = inner(delay, delay, d_carriers).real();
        for (const auto& other : result) {
            subtract(direction.data(),
                     inner(other.data(), direction.data(), d_carriers),
                     other.data(),
                     d_carriers);
        }
        const float energy = inner(direction.data(), direction.data(), d_carriers).real();
        if (!result.empty() && !(power > least * energy && energy > INDEPENDENT * alone)) {
            break;
        }
        for (auto& value : direction) {
            value /= std::sqrt(energy);
        }
        subtract(channel.data(),
                 inner(direction.data(), channel.data(), d_carriers),
                 direction.data(),
                 d_carriers);
        result.push_back(std::move(direction));
    }
    return result;
}

void ChannelSmoother::smooth(std::vector<std::complex<float>>& channel)
{
    impulse_response(channel);
    std::fill(d_real.begin(), d_real.end(), 0.0f);
    std::fill(d_imag.begin(), d_imag.end(), 0.0f);
    const ComplexRows<float> rows = { d_expand_real.data(), d_expand_imag.data(),
                                      d_long_row,           d_numbers.data(),
                                      d_impulse.size(),     d_sums_real.data(),
                                      d_sums_imag.data() };
    add_rows(d_set, rows, d_real.data(), d_imag.data(), d_long_row);
    for (int u = 0; u < d_carriers; ++u) {
        channel[u] = { d_real[u], d_imag[u] };
    }
}

} // namespace gr::vqdeepsc::kernel
