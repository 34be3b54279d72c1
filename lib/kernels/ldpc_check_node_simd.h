/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_CHECK_NODE_SIMD_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_CHECK_NODE_SIMD_H

#include "ldpc_check_node.h"
#include "ldpc_fixed_point.h"

namespace gr::vqdeepsc::kernel {

namespace {

/* The layered A-min* decoder over the vectors of one instruction set.
 *
 * With a [+] b = min(a, b) + f(a + b) - f(|a - b|), f(x) = ln(1 + exp(-x)), a check sends to the
 * bit with the least reliable input the [+] of all others, and to every other bit the [+] of all
 * (C. Jones et al., "Approximate-MIN* constraint node updating for LDPC code decoding", 2003).
 * Ops supplies the vectors; lanes run over the Z bits of a column. */
template <typename Ops>
struct LdpcLayers {
    using Element = typename Ops::Element;
    using Vector = typename Ops::Vector;
    using Format = LdpcFixedPoint<Element>;

    struct Tables {
        typename Ops::Table gain = Ops::table(Format::GAIN);
        typename Ops::Table loss = Ops::table(Format::LOSS);
    };

    static Vector box_plus(Vector a, Vector b, const Tables& tables)
    {
        const Vector smaller = Ops::min(a, b);
        const Vector larger = Ops::max(a, b);
        const Vector gain = Ops::look_up(tables.gain, Ops::add(larger, smaller));
        const Vector loss = Ops::look_up(tables.loss, Ops::subtract(larger, smaller));
        // Rounding must not make more of two bits than the less reliable of them.
        return Ops::subtract(smaller, Ops::subtract(loss, gain));
    }

    static void
    update_row(const LdpcSchedule& schedule, const LdpcMemory<Element>& memory, const LdpcSchedule::Row& row)
    {
        const int size = schedule.lifting_size;
        const LdpcSchedule::Edge* edges = schedule.edges.data() + row.first_edge;
        Element* messages = memory.messages + row.first_edge * schedule.own_stride;
        const Tables tables;
        const Vector limit = Ops::fill(Format::MESSAGE_LIMIT);

        const int last = (size - 1) / Ops::LANES * Ops::LANES;
        for (int z = 0; z <= last; z += Ops::LANES) {
            Vector least = Ops::largest();
            Vector others = Ops::largest();
            Vector signs = Ops::fill(0);
            if (row.own_column >= 0) {
                const Vector own = Ops::load(memory.own + row.own_column * schedule.own_stride + z);
                least = Ops::absolute(own);
                signs = own;
            }
            for (int e = 0; e < row.edges; e++) {
                const Vector posterior = Ops::load(
                    memory.shared + edges[e].column * schedule.column_stride + edges[e].read + z);
                const Vector input = Ops::subtract_signed(
                    posterior, Ops::load(messages + e * schedule.own_stride + z));
                Ops::store(memory.scratch + e * schedule.own_stride + z, input);
                const Vector magnitude = Ops::absolute(input);
                signs = Ops::exclusive_or(signs, input);
                others = box_plus(others, Ops::max(least, magnitude), tables);
                least = Ops::min(least, magnitude);
            }
            const Vector all = Ops::min(box_plus(others, least, tables), limit);
            others = Ops::min(others, limit);
            for (int e = 0; e < row.edges; e++) {
                const Vector input = Ops::load(memory.scratch + e * schedule.own_stride + z);
                const Vector magnitude =
                    Ops::choose_equal(Ops::absolute(input), least, others, all);
                const Vector message =
                    Ops::apply_sign(magnitude, Ops::exclusive_or(signs, input));
                Ops::store(messages + e * schedule.own_stride + z, message);
            }
        }
        // Lanes past Z hold nothing; going backwards, the second copy overwrites what they leave.
        for (int e = 0; e < row.edges; e++) {
            Element* column = memory.shared + edges[e].column * schedule.column_stride;
            for (int z = last; z >= 0; z -= Ops::LANES) {
                const Vector posterior = Ops::clip(
                    Ops::add_signed(Ops::load(memory.scratch + e * schedule.own_stride + z),
                                    Ops::load(messages + e * schedule.own_stride + z)));
                Ops::store(column + z, posterior);
                Ops::store(column + size + z, posterior);
            }
        }
    }

    static void iterate(const LdpcSchedule& schedule, const LdpcMemory<Element>& memory)
    {
        for (const LdpcSchedule::Row& row : schedule.rows) {
            update_row(schedule, memory, row);
        }
    }

    static bool core_satisfied(const LdpcSchedule& schedule, const LdpcMemory<Element>& memory)
    {
        for (std::size_t r = schedule.first_core_row; r < schedule.rows.size(); r++) {
            const LdpcSchedule::Row& row = schedule.rows[r];
            for (int z = 0; z < schedule.lifting_size; z += Ops::LANES) {
                Vector parity = Ops::fill(0);
                for (int e = row.first_edge; e < row.first_edge + row.edges; e++) {
                    const LdpcSchedule::Edge& edge = schedule.edges[e];
                    parity = Ops::exclusive_or(
                        parity,
                        Ops::load(memory.shared + edge.column * schedule.column_stride +
                                  edge.check + z));
                }
                const int lanes = schedule.lifting_size - z;
                if (Ops::any_negative(parity, lanes < Ops::LANES ? lanes : Ops::LANES)) {
                    return false;
                }
            }
        }
        return true;
    }
};

} // namespace

} // namespace gr::vqdeepsc::kernel

#endif
