/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_FRAME_HEADER_H
#define INCLUDED_VQDEEPSC_KERNEL_FRAME_HEADER_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace gr::vqdeepsc::kernel {

/*! Images are cut into blocks of 16x16 pixels, and 64 of them are a region. */
constexpr std::uint32_t BLOCK_SIDE = 16;
constexpr std::uint32_t REGION_BLOCKS = 64;

/*! Which part of which image the bits of a frame are.
 *
 * The one schema of a frame's tag in a flowgraph, of a burst's header (docs/air-interface.md) and
 * of the head of an encoded file (docs/file-format.md).
 */
struct FrameHeader {
    std::uint32_t version = 2;     //!< of the order of blocks: 1 (squares of 128x128 pixels) or 2
    std::uint32_t model = 0;       //!< 16-bit id of the codebooks
    std::uint32_t session = 0;     //!< random number of a sender's run; 0 in version 1
    std::uint32_t image = 0;       //!< 16-bit number of the image within the session
    std::uint32_t width = 1;       //!< of the whole image, 1 to 65,535 pixels
    std::uint32_t height = 1;      //!< 1 to 65,535 pixels
    std::uint32_t first_block = 0; //!< of the frame, in the image's order of blocks
    std::uint32_t block_bits = 0;  //!< bits of each block, or 0: all that the model has

    /*! Blocks of the whole image; in version 1 also those beyond its edges. */
    std::uint32_t blocks() const;

    /*! Says what is out of range, in one sentence, or nothing. */
    std::string error() const;
};

/*! One entry of a header: its name in a tag, its bits in a packed header. */
struct FrameField {
    const char* name;
    int bits;
    std::uint32_t FrameHeader::* value;
};

/*! All fields in the order in which they are packed. */
extern const std::array<FrameField, 8> FRAME_FIELDS;

bool operator==(const FrameHeader& one, const FrameHeader& other);

} // namespace gr::vqdeepsc::kernel

#endif
