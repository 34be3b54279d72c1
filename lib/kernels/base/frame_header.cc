/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frame_header.h"

#include <algorithm>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr std::uint32_t REGION_SIDE = 128; // pixels, of version 1

std::uint32_t parts(std::uint32_t length, std::uint32_t part)
{
    return (length + part - 1) / part;
}

} // namespace

const std::array<FrameField, 8> FRAME_FIELDS = {
    { { "version", 8, &FrameHeader::version },
      { "model", 16, &FrameHeader::model },
      { "session", 32, &FrameHeader::session },
      { "image", 16, &FrameHeader::image },
      { "width", 16, &FrameHeader::width },
      { "height", 16, &FrameHeader::height },
      { "first_block", 24, &FrameHeader::first_block },
      { "block_bits", 16, &FrameHeader::block_bits } }
};

std::uint32_t FrameHeader::blocks() const
{
    if (version == 1) {
        return parts(width, REGION_SIDE) * parts(height, REGION_SIDE) * REGION_BLOCKS;
    }
    return parts(width, BLOCK_SIDE) * parts(height, BLOCK_SIDE);
}

std::string FrameHeader::error() const
{
    if (version < 1 || version > 2) {
        return "version is " + std::to_string(version) + ", known are 1 and 2";
    }
    for (const auto& field : FRAME_FIELDS) {
        const std::uint32_t most = ~0u >> (32 - field.bits);
        const std::uint32_t least =
            field.value == &FrameHeader::width || field.value == &FrameHeader::height ? 1 : 0;
        if (this->*field.value < least || this->*field.value > most) {
            return std::string(field.name) + " is " + std::to_string(this->*field.value) +
                   ", must be " + std::to_string(least) + " to " + std::to_string(most);
        }
    }
    if (first_block >= blocks()) {
        return "first_block is " + std::to_string(first_block) + ", must be 0 to " +
               std::to_string(blocks() - 1);
    }
    if (version == 1 && (session != 0 || block_bits != 0 || first_block % REGION_BLOCKS != 0)) {
        return "version 1 knows no session, no block_bits and no first_block inside a region";
    }
    return {};
}

bool operator==(const FrameHeader& one, const FrameHeader& other)
{
    return std::all_of(FRAME_FIELDS.begin(), FRAME_FIELDS.end(), [&](const FrameField& field) {
        return one.*field.value == other.*field.value;
    });
}

} // namespace gr::vqdeepsc::kernel
