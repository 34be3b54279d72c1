/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_DRIFT_FILTER_H
#define INCLUDED_VQDEEPSC_KERNEL_DRIFT_FILTER_H

#include <cstddef>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Kalman filter of a quantity that drifts at a nearly constant rate, measured once a step, and
 * its smoother (H. E. Rauch, F. Tung, C. T. Striebel, "Maximum likelihood estimates of linear
 * dynamic systems", 1965).
 */
class DriftFilter
{
public:
    /*! Variances: of the first value and rate, and of what each step adds to both at random. */
    struct Variances {
        double value;
        double rate;
        double value_step;
        double rate_step;
    };

    /*! Begins at value 0 and rate 0. */
    void reset(const Variances& variances);

    /*! Value at the next step, before its measurement. */
    double predicted() const { return d_value + (d_steps.empty() ? 0.0 : d_rate); }

    /*! Change in one step, after the last. */
    double rate() const { return d_rate; }

    /*! Takes one step with a measurement: its difference to predicted() and its variance, which
     * may be infinite. */
    void update(double difference, double variance);

    /*! Values of all steps, each from the measurements of all. */
    void smooth(std::vector<double>& values) const;

private:
    struct Covariance {
        double value, both, rate;
    };
    struct Step {
        double predicted_value, predicted_rate;
        Covariance predicted_covariance;
        double value, rate;
        Covariance covariance;
    };

    Variances d_variances{};
    double d_value = 0.0;
    double d_rate = 0.0;
    Covariance d_covariance{};
    std::vector<Step> d_steps;
};

} // namespace gr::vqdeepsc::kernel

#endif
