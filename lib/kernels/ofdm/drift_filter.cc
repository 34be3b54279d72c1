/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drift_filter.h"

#include <cmath>

namespace gr::vqdeepsc::kernel {

void DriftFilter::reset(const Variances& variances)
{
    d_variances = variances;
    d_value = 0.0;
    d_rate = 0.0;
    d_covariance = { variances.value, 0.0, variances.rate };
    d_steps.clear();
}

void DriftFilter::update(double difference, double variance)
{
    Step step;
    step.predicted_value = predicted();
    step.predicted_rate = d_rate;
    step.predicted_covariance = d_covariance;
    auto& p = step.predicted_covariance;
    if (!d_steps.empty()) {
        p.value += 2.0 * p.both + p.rate + d_variances.value_step;
        p.both += p.rate;
        p.rate += d_variances.rate_step;
    }
    const double value_gain = p.value / (p.value + variance);
    const double rate_gain = p.both / (p.value + variance);
    step.value = step.predicted_value + value_gain * difference;
    step.rate = step.predicted_rate + rate_gain * difference;
    step.covariance = { (1.0 - value_gain) * p.value,
                        (1.0 - value_gain) * p.both,
                        p.rate - rate_gain * p.both };
    d_value = step.value;
    d_rate = step.rate;
    d_covariance = step.covariance;
    d_steps.push_back(step);
}

void DriftFilter::smooth(std::vector<double>& values) const
{
    values.resize(d_steps.size());
    double value = d_value;
    double rate = d_rate;
    for (std::size_t i = d_steps.size(); i-- > 0;) {
        const Step& step = d_steps[i];
        if (i + 1 < d_steps.size()) {
            const Step& next = d_steps[i + 1];
            // Gain: covariance times transposed transition times inverse of the prediction's.
            const Covariance& c = step.covariance;
            const Covariance& p = next.predicted_covariance;
            const double determinant = p.value * p.rate - p.both * p.both;
            const double a = c.value + c.both;
            const double b = c.both + c.rate;
            const double value_error = value - next.predicted_value;
            const double rate_error = rate - next.predicted_rate;
            value = step.value + ((a * p.rate - c.both * p.both) * value_error +
                                  (c.both * p.value - a * p.both) * rate_error) /
                                     determinant;
            rate = step.rate + ((b * p.rate - c.rate * p.both) * value_error +
                                (c.rate * p.value - b * p.both) * rate_error) /
                                   determinant;
        }
        values[i] = value;
    }
}

} // namespace gr::vqdeepsc::kernel
