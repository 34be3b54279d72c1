/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "copy_combiner.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

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

std::size_t count_llrs(const Copies& copies)
{
    std::size_t count = 0;
    for (const auto& llrs : copies.llrs) {
        count += llrs.size();
    }
    return count;
}

} // namespace

Copies CopyCombiner::combined(const BurstHeader& header, const std::vector<float>& llrs) const
{
    Copies copies;
    for (const auto& kept : d_kept) {
        if (same_burst(kept.header, header)) {
            const auto& before = kept.copies.llrs[header.redundancy_version];
            if (before.empty() || same_bits(before, llrs)) {
                copies = kept.copies;
            }
        }
    }
    copies.bursts++;
    auto& sum = copies.llrs[header.redundancy_version];
    if (sum.empty()) {
        sum = llrs;
    } else {
        std::transform(llrs.begin(), llrs.end(), sum.begin(), sum.begin(), std::plus<float>());
    }
    return copies;
}

void CopyCombiner::keep(const BurstHeader& header, Copies copies)
{
    forget(header);
    d_kept.push_back({ header, std::move(copies) });
    std::size_t count = 0;
    for (const auto& kept : d_kept) {
        count += count_llrs(kept.copies);
    }
    while (count > d_most_llrs) {
        count -= count_llrs(d_kept.front().copies);
        d_kept.pop_front();
    }
}

void CopyCombiner::forget(const BurstHeader& header)
{
    d_kept.erase(std::remove_if(d_kept.begin(),
                                d_kept.end(),
                                [&](const Kept& kept) { return same_burst(kept.header, header); }),
                 d_kept.end());
}

} // namespace gr::vqdeepsc::kernel
