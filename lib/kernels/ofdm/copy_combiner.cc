/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "copy_combiner.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace gr::vqdeepsc::kernel {

namespace {

// Copies correlate by 0.1 and more where anything can be decoded, strangers of n bits by less than
// this but once in 10^6.
constexpr double CORRELATION_THRESHOLD = 5.0;

bool same_burst(const BurstHeader& one, const BurstHeader& other)
{
    return one.frame == other.frame && one.coded_as(other);
}

bool same_bits(const std::vector<float>& one, const std::vector<float>& other)
{
    double product = 0.0, first = 0.0, second = 0.0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        product += double(one[i]) * other[i];
        first += double(one[i]) * one[i];
        second += double(other[i]) * other[i];
    }
    return product > CORRELATION_THRESHOLD * std::sqrt(first * second / one.size());
}

} // namespace

int CopyCombiner::add_to(const BurstHeader& header, std::vector<float>& llrs) const
{
    for (const auto& kept : d_kept) {
        if (same_burst(kept.header, header) && same_bits(kept.llrs, llrs)) {
            std::transform(
                llrs.begin(), llrs.end(), kept.llrs.begin(), llrs.begin(), std::plus<float>());
            return kept.bursts;
        }
    }
    return 0;
}

void CopyCombiner::keep(const BurstHeader& header, const std::vector<float>& llrs, int bursts)
{
    forget(header);
    if (d_kept.size() == d_most) {
        d_kept.pop_front();
    }
    d_kept.push_back({ header, llrs, bursts });
}

void CopyCombiner::forget(const BurstHeader& header)
{
    d_kept.erase(std::remove_if(d_kept.begin(),
                                d_kept.end(),
                                [&](const Kept& kept) { return same_burst(kept.header, header); }),
                 d_kept.end());
}

} // namespace gr::vqdeepsc::kernel
