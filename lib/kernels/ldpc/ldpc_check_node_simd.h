/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_CHECK_NODE_SIMD_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_CHECK_NODE_SIMD_H

#include "ldpc_check_node.h"
#include "ldpc_fixed_point.h"

#include <stdexcept>

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
    using Row = LdpcSchedule::Row;

    static void quantise(const float* __restrict llrs, std::size_t count, Element* __restrict steps)
    {
        constexpr float LIMIT = Format::CHANNEL_LIMIT;
        for (std::size_t i = 0; i < count; i++) {
            float value = llrs[i] * -Format::STEPS_PER_NAT;
            value = value == value ? value : 0.0f;
            value = value > LIMIT ? LIMIT : value;
            value = value < -LIMIT ? -LIMIT : value;
            steps[i] =
                static_cast<Element>(static_cast<int>(value + __builtin_copysignf(0.5f, value)));
        }
    }

    static Vector box_plus(Vector a, Vector b, const typename Ops::Tables& tables)
    {
        const Vector smaller = Ops::min(a, b);
        // Rounding must not make more of two bits than the less reliable of them.
        return Ops::subtract(smaller, Ops::loss_less_gain(smaller, Ops::max(a, b), tables));
    }

    /* The number of edges is a constant, so that their inputs stay in registers. Each vector is
     * written in place at z, where no later one of the row reads: those begin at read + z. */
    template <int EDGES, bool OWN>
    static void update_row(const LdpcSchedule& schedule,
                           const LdpcMemory<Element>& memory,
                           const Row& row)
    {
        const int size = schedule.lifting_size;
        const LdpcSchedule::Edge* edges = schedule.edges.data() + row.first_edge;
        Element* messages = memory.messages + row.first_edge * schedule.own_stride;
        const Element* own = OWN ? memory.own + row.own_column * schedule.own_stride : nullptr;
        const typename Ops::Tables tables;
        const Vector limit = Ops::fill(Format::MESSAGE_LIMIT);
        Element* columns[EDGES];
        const Element* reads[EDGES];
        for (int e = 0; e < EDGES; e++) {
            columns[e] = memory.shared + edges[e].column * schedule.column_stride;
            reads[e] = columns[e] + edges[e].read;
        }

        for (int z = 0; z < size; z += Ops::LANES, messages += EDGES * Ops::LANES) {
            Vector input[EDGES];
#pragma GCC unroll 32
            for (int e = 0; e < EDGES; e++) {
                input[e] = Ops::subtract_signed(Ops::load(reads[e] + z),
                                                Ops::load(messages + e * Ops::LANES));
            }
            Vector signs = input[0];
            Vector least = Ops::absolute(input[0]);
            Vector others = least;
            if (OWN) {
                const Vector channel = Ops::load(own + z);
                const Vector magnitude = Ops::absolute(channel);
                signs = Ops::exclusive_or(signs, channel);
                others = Ops::max(least, magnitude);
                least = Ops::min(least, magnitude);
            }
#pragma GCC unroll 32
            for (int e = 1; e < EDGES; e++) {
                const Vector magnitude = Ops::absolute(input[e]);
                const Vector larger = Ops::max(least, magnitude);
                signs = Ops::exclusive_or(signs, input[e]);
                others = !OWN && e == 1 ? larger : box_plus(others, larger, tables);
                least = Ops::min(least, magnitude);
            }
            const Vector all = Ops::min(box_plus(others, least, tables), limit);
            others = Ops::min(others, limit);
#pragma GCC unroll 32
            for (int e = 0; e < EDGES; e++) {
                const Vector magnitude =
                    Ops::choose_equal(Ops::absolute(input[e]), least, others, all);
                const Vector message =
                    Ops::apply_sign(magnitude, Ops::exclusive_or(signs, input[e]));
                Ops::store(messages + e * Ops::LANES, message);
                Ops::store(columns[e] + z, Ops::clip(Ops::add_signed(input[e], message)));
            }
        }
        // Lanes past Z hold nothing until the second copy overwrites them.
        for (int e = 0; e < EDGES; e++) {
            for (int z = 0; z < edges[e].copied; z += Ops::LANES) {
                Ops::store(columns[e] + size + z, Ops::load(columns[e] + z));
            }
        }
    }

    // The rows of the two base graphs: those of the core, and the others by their edges.
    static void iterate(const LdpcSchedule& schedule, const LdpcMemory<Element>& memory)
    {
        for (const Row& row : schedule.rows) {
            switch (row.own_column < 0 ? -row.edges : row.edges) {
            case -19:
                update_row<19, false>(schedule, memory, row);
                break;
            case -10:
                update_row<10, false>(schedule, memory, row);
                break;
            case -8:
                update_row<8, false>(schedule, memory, row);
                break;
            case 2:
                update_row<2, true>(schedule, memory, row);
                break;
            case 3:
                update_row<3, true>(schedule, memory, row);
                break;
            case 4:
                update_row<4, true>(schedule, memory, row);
                break;
            case 5:
                update_row<5, true>(schedule, memory, row);
                break;
            case 6:
                update_row<6, true>(schedule, memory, row);
                break;
            case 7:
                update_row<7, true>(schedule, memory, row);
                break;
            case 8:
                update_row<8, true>(schedule, memory, row);
                break;
            case 9:
                update_row<9, true>(schedule, memory, row);
                break;
            default:
                throw std::logic_error("a row of no base graph");
            }
        }
    }

    static bool core_satisfied(const LdpcSchedule& schedule, const LdpcMemory<Element>& memory)
    {
        for (std::size_t r = schedule.first_core_row; r < schedule.rows.size(); r++) {
            const Row& row = schedule.rows[r];
            for (int z = 0; z < schedule.lifting_size; z += Ops::LANES) {
                Vector parity = Ops::fill(0);
                for (int e = row.first_edge; e < row.first_edge + row.edges; e++) {
                    const LdpcSchedule::Edge& edge = schedule.edges[e];
                    parity = Ops::exclusive_or(parity,
                                               Ops::load(memory.shared +
                                                         edge.column * schedule.column_stride +
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
