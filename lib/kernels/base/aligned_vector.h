/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_ALIGNED_VECTOR_H
#define INCLUDED_VQDEEPSC_KERNEL_ALIGNED_VECTOR_H

#include <cstddef>
#include <new>
#include <vector>

namespace gr::vqdeepsc::kernel {

template <typename T>
struct CacheLineAllocator {
    using value_type = T;
    static constexpr std::align_val_t ALIGNMENT{ 64 };

    CacheLineAllocator() = default;
    template <typename U>
    CacheLineAllocator(const CacheLineAllocator<U>&)
    {
    }
    T* allocate(std::size_t count)
    {
        return static_cast<T*>(::operator new(count * sizeof(T), ALIGNMENT));
    }
    void deallocate(T* memory, std::size_t) { ::operator delete(memory, ALIGNMENT); }
    bool operator==(const CacheLineAllocator&) const { return true; }
    bool operator!=(const CacheLineAllocator&) const { return false; }
};

/*! A vector that begins at a cache line, so that no aligned vector register spans two. */
template <typename T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

} // namespace gr::vqdeepsc::kernel

#endif
