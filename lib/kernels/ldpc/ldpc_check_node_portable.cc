/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_check_node_simd.h"

#include <cstring>
#include <limits>
#include <type_traits>

namespace gr::vqdeepsc::kernel {

namespace {

/* Vectors of 16 bytes in the generic form of GCC and Clang, which becomes the vector instructions
 * of any processor that has them. Comparisons give -1 where they hold. */
template <typename T>
struct PortableOps {
    using Element = T;
    using Format = LdpcFixedPoint<T>;
    using Vector __attribute__((vector_size(16))) = T;
    // Overflow is defined for unsigned elements only.
    using Unsigned __attribute__((vector_size(16))) = std::make_unsigned_t<T>;
    static constexpr int LANES = 16 / sizeof(T);
    struct Tables {};

    static Unsigned bits(Vector a) { return reinterpret_cast<Unsigned>(a); }
    static Vector as_signed(Unsigned a) { return reinterpret_cast<Vector>(a); }
    static Vector negated_where(Vector negative, Vector a)
    {
        return as_signed(bits(a ^ negative) - bits(negative));
    }
    // Replaces what left the range, beyond the limit that has the sign of a, where all bits of
    // overflow's sign are set.
    static Vector saturated(Vector a, Vector overflow, Vector result)
    {
        // Clang compares vectors of signed char to a vector of char.
        const auto negative = reinterpret_cast<Vector>(a < 0);
        return overflow < 0 ? negative ^ fill(std::numeric_limits<T>::max()) : result;
    }
    // The falling table as a sum of steps, which needs no look-up.
    static Unsigned look_up(const typename Format::Table& table, Unsigned a)
    {
        const Vector index = as_signed(bits(min(as_signed(a >> Format::INDEX_SHIFT), fill(15))));
        Vector steps = fill(0);
        for (int level = 1; level <= table[0]; level++) {
            int end = 0;
            while (end < 16 && table[end] >= level) {
                end++;
            }
            steps -= index < static_cast<T>(end);
        }
        return bits(steps);
    }

    static Vector load(const T* from)
    {
        Vector result;
        std::memcpy(&result, from, sizeof(result));
        return result;
    }
    static void store(T* to, Vector a) { std::memcpy(to, &a, sizeof(a)); }
    static Vector fill(int value) { return Vector{} + static_cast<T>(value); }
    static Vector exclusive_or(Vector a, Vector b) { return a ^ b; }
    static Vector absolute(Vector a) { return negated_where(a < 0, a); }
    static Vector add_signed(Vector a, Vector b)
    {
        const Vector sum = as_signed(bits(a) + bits(b));
        return saturated(a, (a ^ sum) & (b ^ sum), sum);
    }
    static Vector subtract_signed(Vector a, Vector b)
    {
        const Vector difference = as_signed(bits(a) - bits(b));
        return saturated(a, (a ^ b) & (a ^ difference), difference);
    }
    static Vector clip(Vector a)
    {
        const Vector least = fill(-Format::POSTERIOR_LIMIT);
        return a < least ? least : a;
    }
    static Vector min(Vector a, Vector b) { return bits(a) < bits(b) ? a : b; }
    static Vector max(Vector a, Vector b) { return bits(a) < bits(b) ? b : a; }
    static Vector subtract(Vector a, Vector b) { return as_signed(bits(max(a, b)) - bits(b)); }
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables&)
    {
        const Unsigned room = bits(min(smaller, ~larger));
        const Unsigned gain = look_up(Format::GAIN, bits(larger) + room);
        const Unsigned loss = look_up(Format::LOSS, bits(larger) - bits(smaller));
        return subtract(as_signed(loss), as_signed(gain));
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return a == b ? equal : different;
    }
    static Vector apply_sign(Vector a, Vector sign) { return negated_where(sign < 0, a); }
    static bool any_negative(Vector a, int lanes)
    {
        T all = 0;
        for (int i = 0; i < lanes; i++) {
            all |= a[i];
        }
        return all < 0;
    }
};

} // namespace

LdpcCheckNode<std::int8_t> ldpc_check_node_int8_portable()
{
    using Layers = LdpcLayers<PortableOps<std::int8_t>>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

LdpcCheckNode<std::int16_t> ldpc_check_node_int16_portable()
{
    using Layers = LdpcLayers<PortableOps<std::int16_t>>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

} // namespace gr::vqdeepsc::kernel
