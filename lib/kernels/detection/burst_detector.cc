/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_detector.h"

#include "preamble_metric.h"

#include "kernels/base/usable_sample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr int SHORT = SHORT_SYMBOL_SAMPLES;
constexpr int REPEATS = static_cast<int>(SHORT_SYMBOL_SIGNS.size());
// Noise alone passes at one sample of 30,000: (1 - x)^511 of 512 independent products.
constexpr float CANDIDATE_THRESHOLD = 0.02f;
// Candidates are compared over so many samples and may be wrong by so many.
constexpr std::size_t SEARCH = SHORT;
constexpr int TIMING_ERROR = PreambleMatcher::MOST_DELAY / 2;
// Samples before a candidate that are still looked at.
constexpr int LOOKBACK = SEARCH;
static_assert(LOOKBACK >= TIMING_ERROR);
constexpr int ZEROS = LOOKBACK + TIMING_ERROR;
// Samples that have to follow a candidate's first: the sums reach two short symbols on.
constexpr std::size_t LOOKAHEAD = PREAMBLE_SAMPLES + 2 * SHORT;
// Samples are ready two of these blocks late at most, and whitened after two of the whitener's.
constexpr int BLOCK = DcEstimator::BLOCK;
static_assert(PREAMBLE_SAMPLES + SEARCH + LOOKAHEAD + TIMING_ERROR + 2 * BLOCK +
                  (InterferenceWhitener::LOOKAHEAD + 1) * InterferenceWhitener::BLOCK <=
              PREAMBLE_SAMPLES + BurstDetector::DECISION_DELAY);
constexpr std::size_t KEPT_SAMPLES = 65536;
// Taken at once, so that the spectrum of a preamble is still known when it is found.
constexpr std::size_t PART = 4096;
static_assert(PART + PREAMBLE_SAMPLES + BurstDetector::DECISION_DELAY <
              InterferenceWhitener::KEPT_BLOCKS * InterferenceWhitener::BLOCK);

// All samples to magnitude 1, so that one that is large by itself counts no more than others:
// pulses and impulses, and what an amplifier does that still settles. Costs about 1 dB where noise
// is strong.
void limit(float* real, float* imag, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i) {
        const float power = real[i] * real[i] + imag[i] * imag[i];
        const float scale = power > 0.0f ? 1.0f / std::sqrt(power) : 0.0f;
        real[i] *= scale;
        imag[i] *= scale;
    }
}

// The largest of SEARCH values, in lanes so that the loop becomes vector code.
float largest(const float* values)
{
    constexpr std::size_t LANES = 8;
    static_assert(SEARCH % LANES == 0);
    std::array<float, LANES> lanes;
    std::copy_n(values, LANES, lanes.begin());
    for (std::size_t i = LANES; i < SEARCH; i += LANES) {
        for (std::size_t lane = 0; lane < LANES; ++lane) {
            lanes[lane] = std::max(lanes[lane], values[i + lane]);
        }
    }
    return *std::max_element(lanes.begin(), lanes.end());
}

} // namespace

// Zeros before the stream let a preamble begin at its first sample, or a few before.
BurstDetector::BurstDetector(float threshold, bool remove_dc, double largest_cfo, int whitening)
    : d_matcher(largest_cfo),
      d_whitener(whitening),
      d_threshold(threshold),
      d_remove_dc(remove_dc),
      d_origin(-ZEROS),
      d_next(LOOKBACK),
      d_real(ZEROS, 0.0f),
      d_imag(ZEROS, 0.0f),
      d_taken(ZEROS),
      d_measured_white(ZEROS),
      d_white(ZEROS),
      d_ready(ZEROS)
{
    if (!(threshold >= 0.1f && threshold <= 0.9f)) {
        throw std::invalid_argument("threshold is " + std::to_string(threshold) +
                                    ", must be 0.1 to 0.9");
    }
}

void BurstDetector::process(const std::complex<float>* samples,
                            std::size_t count,
                            std::vector<BurstDetection>& found)
{
    while (count > 0) {
        const std::size_t part = std::min<std::size_t>(count, PART);
        append(samples, part);
        prepare();
        correlate();
        search(found);
        forget();
        samples += part;
        count -= part;
    }
}

void BurstDetector::append(const std::complex<float>* samples, std::size_t count)
{
    const std::size_t before = d_real.size();
    d_real.resize(before + count);
    d_imag.resize(before + count);
    const auto* parts = reinterpret_cast<const float*>(samples);
    for (std::size_t i = 0; i < count; ++i) {
        d_real[before + i] = usable_sample(parts[2 * i]);
        d_imag[before + i] = usable_sample(parts[2 * i + 1]);
    }
}

void BurstDetector::prepare()
{
    std::size_t known = d_real.size(); // samples that are as they were sent, but for interference
    if (d_remove_dc) {
        remove_dc();
        known = d_taken - std::min<std::size_t>(d_taken, BLOCK);
    }
    if (d_whitener.order() == 0) {
        d_white = std::max(d_white, known);
    } else {
        constexpr int WHITE = InterferenceWhitener::BLOCK;
        for (; d_measured_white + WHITE <= known; d_measured_white += WHITE) {
            d_whitener.take(d_real.data() + d_measured_white, d_imag.data() + d_measured_white);
        }
        for (; d_whitener.ready() > 0; d_white += WHITE) {
            d_whitener.whiten(d_real.data() + d_white, d_imag.data() + d_white);
        }
    }
    if (d_white > d_ready) {
        limit(d_real.data() + d_ready, d_imag.data() + d_ready, d_white - d_ready);
        d_ready = d_white;
    }
}

void BurstDetector::remove_dc()
{
    for (; d_taken + BLOCK <= d_real.size(); d_taken += BLOCK) {
        float* real = d_real.data() + d_taken;
        float* imag = d_imag.data() + d_taken;
        const bool jump = d_dc.update(real, imag);
        const auto mean = d_dc.mean();
        for (int i = 0; i < BLOCK; ++i) {
            real[i] -= mean.real();
            imag[i] -= mean.imag();
        }
        // The block before may hold both constants. Without it a preamble is still found.
        if (jump && !d_means.empty()) {
            std::fill_n(real - BLOCK, BLOCK, 0.0f);
            std::fill_n(imag - BLOCK, BLOCK, 0.0f);
        }
        d_means.push_back(mean);
    }
}

// The constant at a sample that is ready.
std::complex<float> BurstDetector::dc_at(std::int64_t sample) const
{
    return d_remove_dc ? d_means[sample / BLOCK - d_first_block] : 0.0f;
}

void BurstDetector::correlate()
{
    const std::size_t samples = d_ready;
    if (samples < d_summed + 2 * SHORT) {
        return;
    }
    // Products of samples one short symbol apart, summed over one short symbol.
    const std::size_t products = samples - d_summed - SHORT;
    for (auto* sums : { &d_product_real, &d_product_imag, &d_energy }) {
        sums->resize(d_summed + products);
    }
    sum_short_symbols(d_set,
                      d_real.data() + d_summed,
                      d_imag.data() + d_summed,
                      products,
                      { d_product_real.data() + d_summed,
                        d_product_imag.data() + d_summed,
                        d_energy.data() + d_summed });
    d_summed += products - (SHORT - 1);

    constexpr std::size_t SPAN = (REPEATS - 1) * SHORT;
    if (d_summed <= SPAN || d_summed - SPAN <= d_measured) {
        return;
    }
    const std::size_t measured = d_summed - SPAN;
    d_metric.resize(measured);
    measure_preambles(d_set,
                      { d_product_real.data() + d_measured,
                        d_product_imag.data() + d_measured,
                        d_energy.data() + d_measured },
                      measured - d_measured,
                      d_metric.data() + d_measured);
    d_measured = measured;
}

void BurstDetector::search(std::vector<BurstDetection>& found)
{
    const std::size_t samples = d_ready;
    while (d_next + LOOKAHEAD < samples) {
        if (d_best_metric > 0.0f && d_origin + static_cast<std::int64_t>(d_next) > d_decision) {
            decide(found);
            continue;
        }
        if (d_metric[d_next] <= CANDIDATE_THRESHOLD) {
            ++d_next;
            continue;
        }
        const float* first = d_metric.data() + d_next;
        const float peak = std::max(largest(first), first[SEARCH]);
        const std::size_t best = std::find(first, first + SEARCH, peak) - d_metric.data();
        if (best == d_next + SEARCH) {
            // Still rising.
            d_next = best;
            continue;
        }
        // On the way down from a larger one that was no preamble.
        if (largest(d_metric.data() + best - SEARCH) > d_metric[best]) {
            d_next = best + 1;
            continue;
        }
        // A part of a preamble may pass before the whole does, whose metric is larger.
        BurstDetection detection;
        if (d_metric[best] > d_best_metric && verify(best, detection) &&
            detection.correlation > d_best.correlation) {
            if (d_best_metric == 0.0f) {
                d_decision = d_origin + static_cast<std::int64_t>(best) + PREAMBLE_SAMPLES;
            }
            d_best = detection;
            d_best_metric = d_metric[best];
        }
        d_next = best + 1;
    }
}

// Reports the best preamble of those that begin within the length of one.
void BurstDetector::decide(std::vector<BurstDetection>& found)
{
    found.push_back(d_best);
    const auto next = static_cast<std::int64_t>(d_best.training_start) - d_origin;
    d_next = std::max(d_next, static_cast<std::size_t>(std::max<std::int64_t>(next, 0)));
    d_best = {};
    d_best_metric = 0.0f;
}

bool BurstDetector::verify(std::size_t candidate, BurstDetection& detection)
{
    const std::size_t start = candidate - TIMING_ERROR;
    const std::int64_t first = d_origin + static_cast<std::int64_t>(start);
    const float* real = d_real.data() + start;
    const float* imag = d_imag.data() + start;
    // Where there is interference, through one filter, as the burst will be.
    std::array<float, PreambleMatcher::CANDIDATE_SAMPLES> filtered_real, filtered_imag;
    detection.whitening = d_whitener.taps(first + TIMING_ERROR);
    if (!detection.whitening.empty()) {
        constexpr std::size_t COUNT = PreambleMatcher::CANDIDATE_SAMPLES;
        d_whitener.filter(
            detection.whitening, first, COUNT, filtered_real.data(), filtered_imag.data());
        limit(filtered_real.data(), filtered_imag.data(), COUNT);
        real = filtered_real.data();
        imag = filtered_imag.data();
    }
    const PreambleMatch match = d_matcher.match(real, imag, TIMING_ERROR, d_threshold);
    if (!(match.correlation > d_threshold)) {
        return false;
    }
    detection.cfo = match.cfo;
    detection.correlation = match.correlation;
    detection.mirrored = match.mirrored;
    const std::int64_t training_start = first + match.delay + PREAMBLE_SAMPLES;
    detection.training_start = training_start;
    const auto dc = dc_at(training_start + BLOCK);
    detection.dc = match.mirrored ? std::conj(dc) : dc;
    return true;
}

// Drops samples that no candidate needs any more, seldom, so that little is moved.
void BurstDetector::forget()
{
    const std::size_t needed = std::min(d_next, d_measured);
    if (needed < KEPT_SAMPLES / 2) {
        return;
    }
    const std::size_t drop = needed - LOOKBACK;
    for (auto* values :
         { &d_real, &d_imag, &d_product_real, &d_product_imag, &d_energy, &d_metric }) {
        values->erase(values->begin(), values->begin() + drop);
    }
    d_origin += drop;
    d_next -= drop;
    d_summed -= drop;
    d_measured -= drop;
    d_taken -= drop;
    d_measured_white -= drop;
    d_white -= drop;
    d_ready -= drop;
    if (d_remove_dc) {
        const std::int64_t block = d_origin / BLOCK;
        d_means.erase(d_means.begin(), d_means.begin() + (block - d_first_block));
        d_first_block = block;
    }
}

} // namespace gr::vqdeepsc::kernel
