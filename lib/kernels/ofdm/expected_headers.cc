/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "expected_headers.h"

#include <algorithm>
#include <array>

namespace gr::vqdeepsc::kernel {

namespace {

// Of copies of an image, in their order (docs/air-interface.md).
constexpr std::array<int, 4> REDUNDANCY_VERSIONS = { 0, 2, 3, 1 };
constexpr std::uint32_t IMAGES = 1 << 16;

int next_version(int version)
{
    const auto* found = std::find(REDUNDANCY_VERSIONS.begin(), REDUNDANCY_VERSIONS.end(), version);
    const auto next = (found - REDUNDANCY_VERSIONS.begin() + 1) % REDUNDANCY_VERSIONS.size();
    return REDUNDANCY_VERSIONS[next];
}

} // namespace

void ExpectedHeaders::heard(const BurstHeader& header)
{
    d_last = header;
    d_known = false;
}

void ExpectedHeaders::reset()
{
    d_last.reset();
    d_candidates.clear();
    d_known = true;
}

// Returns whether there is room for another.
bool ExpectedHeaders::expect(const BurstHeader& header)
{
    d_candidates.push_back({ header, d_codec.encode(header) });
    return d_candidates.size() < MOST;
}

const std::vector<ExpectedHeaders::Candidate>& ExpectedHeaders::candidates()
{
    if (d_known) {
        return d_candidates;
    }
    d_known = true;
    d_candidates.clear();
    const BurstHeader last = *d_last;
    const std::uint32_t blocks = last.frame.blocks();
    BurstHeader next = last;
    const auto from_block = [&](std::uint32_t first) {
        for (std::uint32_t block = first; block < blocks; block += REGION_BLOCKS) {
            next.frame.first_block = block;
            if (!expect(next)) {
                return false;
            }
        }
        return true;
    };
    if (!from_block(last.frame.first_block + REGION_BLOCKS)) {
        return d_candidates;
    }
    if (last.frame.version != 1) {
        next.redundancy_version = next_version(last.redundancy_version);
        if (!from_block(0)) {
            return d_candidates;
        }
        next.redundancy_version = REDUNDANCY_VERSIONS[0];
    }
    do {
        next.frame.image = (next.frame.image + 1) % IMAGES;
    } while (from_block(0));
    return d_candidates;
}

} // namespace gr::vqdeepsc::kernel
