/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_check_node_simd.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

namespace gr::vqdeepsc::kernel {

namespace {

template <typename T>
struct PortableOps {
    using Element = T;
    using Unsigned = std::make_unsigned_t<T>;
    using Table = const std::array<std::uint8_t, 16>*;
    static constexpr int LANES = 16 / sizeof(T);
    static constexpr int TOP = std::numeric_limits<T>::max();
    static constexpr int UNSIGNED_TOP = std::numeric_limits<Unsigned>::max();

    struct Vector {
        T lane[LANES];
    };

    template <typename Function>
    static Vector map(Vector a, Vector b, Function function)
    {
        Vector result;
        for (int i = 0; i < LANES; i++) {
            result.lane[i] = static_cast<T>(function(a.lane[i], b.lane[i]));
        }
        return result;
    }

    static int bits(T value) { return static_cast<Unsigned>(value); }

    static Table table(const std::array<std::uint8_t, 16>& values) { return &values; }
    static Vector load(const T* from)
    {
        Vector result;
        std::memcpy(result.lane, from, sizeof(result.lane));
        return result;
    }
    static void store(T* to, Vector a) { std::memcpy(to, a.lane, sizeof(a.lane)); }
    static Vector fill(int value)
    {
        Vector result;
        std::fill(result.lane, result.lane + LANES, static_cast<T>(value));
        return result;
    }
    static Vector largest() { return fill(UNSIGNED_TOP); }
    static Vector exclusive_or(Vector a, Vector b)
    {
        return map(a, b, [](T x, T y) { return x ^ y; });
    }
    static Vector absolute(Vector a)
    {
        return map(a, a, [](T x, T) { return x < 0 ? -x : x; });
    }
    static Vector add_signed(Vector a, Vector b)
    {
        return map(a, b, [](T x, T y) { return std::clamp(x + y, -TOP - 1, TOP); });
    }
    static Vector subtract_signed(Vector a, Vector b)
    {
        return map(a, b, [](T x, T y) { return std::clamp(x - y, -TOP - 1, TOP); });
    }
    static Vector clip(Vector a)
    {
        return map(a, a, [](T x, T) { return std::max<int>(x, -TOP); });
    }
    static Vector min(Vector a, Vector b)
    {
        return map(a, b, [](T x, T y) { return std::min(bits(x), bits(y)); });
    }
    static Vector max(Vector a, Vector b)
    {
        return map(a, b, [](T x, T y) { return std::max(bits(x), bits(y)); });
    }
    static Vector add(Vector a, Vector b)
    {
        return map(a, b, [](T x, T y) { return std::min(bits(x) + bits(y), UNSIGNED_TOP); });
    }
    static Vector subtract(Vector a, Vector b)
    {
        return map(a, b, [](T x, T y) { return std::max(bits(x) - bits(y), 0); });
    }
    static Vector look_up(Table table, Vector a)
    {
        return map(a, a, [table](T x, T) {
            return (*table)[std::min(bits(x) >> LdpcFixedPoint<T>::INDEX_SHIFT, 15)];
        });
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        Vector result;
        for (int i = 0; i < LANES; i++) {
            result.lane[i] = a.lane[i] == b.lane[i] ? equal.lane[i] : different.lane[i];
        }
        return result;
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        return map(a, sign, [](T x, T s) { return s < 0 ? -x : x; });
    }
    static bool any_negative(Vector a, int lanes)
    {
        return std::any_of(a.lane, a.lane + lanes, [](T x) { return x < 0; });
    }
};

} // namespace

LdpcCheckNode<std::int8_t> ldpc_check_node_int8_portable()
{
    using Layers = LdpcLayers<PortableOps<std::int8_t>>;
    return { Layers::iterate, Layers::core_satisfied };
}

LdpcCheckNode<std::int16_t> ldpc_check_node_int16_portable()
{
    using Layers = LdpcLayers<PortableOps<std::int16_t>>;
    return { Layers::iterate, Layers::core_satisfied };
}

} // namespace gr::vqdeepsc::kernel
