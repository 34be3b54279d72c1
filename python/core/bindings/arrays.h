/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_BINDINGS_ARRAYS_H
#define INCLUDED_VQDEEPSC_BINDINGS_ARRAYS_H

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <complex>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::bindings {

namespace py = pybind11;

using Complex = std::complex<float>;
template <typename T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

inline std::string shape_text(const py::array& array)
{
    return py::str(array.attr("shape")).cast<std::string>();
}

template <typename T>
std::size_t vector_length(const Array<T>& array, const char* name)
{
    if (array.ndim() != 1) {
        throw std::invalid_argument(std::string(name) + " has shape " + shape_text(array) +
                                    ", must have one dimension");
    }
    return static_cast<std::size_t>(array.size());
}

template <typename T>
void check_length(const Array<T>& array, std::size_t length, const char* name)
{
    if (vector_length(array, name) != length) {
        throw std::invalid_argument(std::string(name) + " has " + std::to_string(array.size()) +
                                    " values, must have " + std::to_string(length));
    }
}

} // namespace gr::vqdeepsc::bindings

#endif
