/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bindings.h"

#include "kernels/base/frame_header.h"

#include <pybind11/stl.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace gr::vqdeepsc::bindings {

namespace py = pybind11;

namespace {

using kernel::FRAME_FIELDS;
using kernel::FrameHeader;

FrameHeader checked(const FrameHeader& header)
{
    if (const auto error = header.error(); !error.empty()) {
        throw std::invalid_argument(error);
    }
    return header;
}

// Fields that are not given keep their defaults.
FrameHeader make_header(const py::kwargs& values)
{
    FrameHeader header;
    for (const auto& [key, value] : values) {
        const auto name = key.cast<std::string>();
        bool known = false;
        for (const auto& field : FRAME_FIELDS) {
            if (name == field.name) {
                known = true;
                const auto number = value.cast<std::int64_t>();
                header.*field.value = static_cast<std::uint32_t>(number);
                if (header.*field.value != number) {
                    throw std::invalid_argument(name + " is " + std::to_string(number));
                }
            }
        }
        if (!known) {
            throw py::type_error("a frame header has no field '" + name + "'");
        }
    }
    return checked(header);
}

py::bytes pack(const FrameHeader& header)
{
    std::string bytes;
    for (const auto& field : FRAME_FIELDS) {
        for (int shift = field.bits - 8; shift >= 0; shift -= 8) {
            bytes.push_back(static_cast<char>(header.*field.value >> shift & 0xff));
        }
    }
    return bytes;
}

std::size_t packed_size()
{
    std::size_t bits = 0;
    for (const auto& field : FRAME_FIELDS) {
        bits += field.bits;
    }
    return bits / 8;
}

FrameHeader unpack(const std::string& bytes)
{
    if (bytes.size() != packed_size()) {
        throw std::invalid_argument("a packed frame header has " + std::to_string(packed_size()) +
                                    " bytes, not " + std::to_string(bytes.size()));
    }
    FrameHeader header;
    std::size_t next = 0;
    for (const auto& field : FRAME_FIELDS) {
        header.*field.value = 0;
        for (int i = 0; i < field.bits; i += 8) {
            header.*field.value =
                header.*field.value << 8 | static_cast<unsigned char>(bytes[next++]);
        }
    }
    return checked(header);
}

std::string representation(const FrameHeader& header)
{
    std::string text;
    for (const auto& field : FRAME_FIELDS) {
        text += (text.empty() ? "FrameHeader(" : ", ") + std::string(field.name) + "=" +
                std::to_string(header.*field.value);
    }
    return text + ")";
}

} // namespace

void bind_frame(py::module& m)
{
    m.attr("BLOCK_SIDE") = kernel::BLOCK_SIDE;
    m.attr("REGION_BLOCKS") = kernel::REGION_BLOCKS;
    py::class_<FrameHeader> header(
        m, "FrameHeader", R"(Which part of which image the bits of a frame are.

version: of the order of blocks, 1 (squares of 128x128 pixels) or 2; model: 16-bit id of the
codebooks; session: 32-bit random number of a sender's run; image: 16-bit number of the image
within the session; width, height: of the whole image, 1 to 65,535 pixels; first_block: of the
frame, in the image's order of blocks of 16x16 pixels; block_bits: of each block, or 0 for all
that the model has. Raises ValueError naming a value that is out of range.)");
    header.def(py::init(&make_header));
    py::list names;
    for (const auto& field : FRAME_FIELDS) {
        header.def_readonly(field.name, field.value);
        names.append(field.name);
    }
    header.attr("FIELDS") = py::tuple(names);
    header.attr("BYTES") = packed_size();
    header.def_property_readonly(
        "blocks",
        &FrameHeader::blocks,
        "Blocks of the whole image; in version 1 also those beyond its edges.");
    header.def("to_bytes", &pack, "All fields in the order of FIELDS, big-endian: BYTES bytes.");
    header.def_static("from_bytes",
                      &unpack,
                      py::arg("packed"),
                      "The inverse of to_bytes(). Raises ValueError naming what is out of range.");
    header.def("__eq__", [](const FrameHeader& one, const py::object& other) {
        return py::isinstance<FrameHeader>(other) && one == other.cast<FrameHeader>();
    });
    header.def("__hash__", [](const FrameHeader& one) { return py::hash(pack(one)); });
    header.def("__repr__", &representation);
    header.def(py::pickle(&pack, [](const py::bytes& packed) { return unpack(packed); }));
}

} // namespace gr::vqdeepsc::bindings
