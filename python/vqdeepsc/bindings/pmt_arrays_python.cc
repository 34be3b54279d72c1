/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pmt/pmt.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

// An array that reads the values of a PMT where they are, and keeps it for as long.
template <typename T>
py::array view(const pmt::pmt_t& vector, const T* values, size_t size)
{
    const py::capsule owner(new pmt::pmt_t(vector),
                            [](void* kept) { delete static_cast<pmt::pmt_t*>(kept); });
    py::array_t<T> array(size, values, owner);
    array.attr("flags").attr("writeable") = false;
    return array;
}

} // namespace

void bind_pmt_arrays(py::module& m)
{
    // Python's own pmt makes a list of objects of them, which takes 30 times the memory.
    m.def(
        "array_to_u8vector",
        [](const Array<uint8_t>& values) {
            return pmt::init_u8vector(values.size(), values.data());
        },
        py::arg("values"),
        "A u8vector of the values of an array of uint8, in C order.");
    m.def(
        "u8vector_to_array",
        [](const pmt::pmt_t& vector) {
            size_t size = 0;
            const uint8_t* values = pmt::u8vector_elements(vector, size);
            return view(vector, values, size);
        },
        py::arg("vector"),
        "The values of a u8vector as an array uint8 [size] that cannot be written; raises for "
        "another "
        "PMT.");
    m.def(
        "f32vector_to_array",
        [](const pmt::pmt_t& vector) {
            size_t size = 0;
            const float* values = pmt::f32vector_elements(vector, size);
            return view(vector, values, size);
        },
        py::arg("vector"),
        "The values of a f32vector as an array float32 [size] that cannot be written; raises for "
        "another PMT.");
}
