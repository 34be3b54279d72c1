/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pmt/pmt.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

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
            return Array<uint8_t>(size, values);
        },
        py::arg("vector"),
        "The values of a u8vector as an array uint8 [size]; raises for another PMT.");
    m.def(
        "f32vector_to_array",
        [](const pmt::pmt_t& vector) {
            size_t size = 0;
            const float* values = pmt::f32vector_elements(vector, size);
            return Array<float>(size, values);
        },
        py::arg("vector"),
        "The values of a f32vector as an array float32 [size]; raises for another PMT.");
}
