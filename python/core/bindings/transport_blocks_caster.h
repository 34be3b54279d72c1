/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_TRANSPORT_BLOCKS_CASTER_H
#define INCLUDED_VQDEEPSC_TRANSPORT_BLOCKS_CASTER_H

#include <gnuradio/vqdeepsc/transport_blocks.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <utility>

namespace pybind11::detail {

/*! From vqdeepsc.link.TransportBlocks, or from pairs (payload bits, coded bits) alone. */
template <>
struct type_caster<gr::vqdeepsc::TransportBlocks> {
    PYBIND11_TYPE_CASTER(gr::vqdeepsc::TransportBlocks, const_name("Iterable[Tuple[int, int]]"));

    bool load(handle source, bool convert)
    {
        if (!isinstance<iterable>(source)) {
            return false;
        }
        for (const handle item : reinterpret_borrow<iterable>(source)) {
            make_caster<std::pair<std::size_t, std::size_t>> pair;
            if (!pair.load(item, convert)) {
                return false;
            }
            const auto& [payload_bits, coded_bits] =
                cast_op<std::pair<std::size_t, std::size_t>>(pair);
            value.blocks.push_back({ payload_bits, coded_bits });
        }
        value.on_strong_bits = getattr(source, "on_strong_bits", bool_(false)).cast<bool>();
        return true;
    }
};

} // namespace pybind11::detail

#endif
