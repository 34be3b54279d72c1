/* SPDX-License-Identifier: GPL-3.0-or-later */
// What the fuzz targets share. scripts/sanitize and tests/CMakeLists.txt say how they are built.
#ifndef VQDEEPSC_FUZZ_INPUT_H
#define VQDEEPSC_FUZZ_INPUT_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

/*! Values taken from the front of a fuzzer's bytes; zeros after their end. */
class Input
{
public:
    Input(const std::uint8_t* data, std::size_t size) : d_data(data), d_left(size) {}

    template <typename T>
    T take()
    {
        T value{};
        const std::size_t bytes = std::min(sizeof(T), d_left);
        if (bytes > 0) {
            std::memcpy(&value, d_data, bytes);
        }
        d_data += bytes;
        d_left -= bytes;
        return value;
    }

    /*! A number from first to last. */
    int between(int first, int last)
    {
        return first + static_cast<int>(take<std::uint32_t>() % (last - first + 1U));
    }

    std::size_t left() const { return d_left; }

private:
    const std::uint8_t* d_data;
    std::size_t d_left;
};

/*! Ends the process, which a fuzzer reports, unless something holds. */
inline void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

#endif
