/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_BINDINGS_BINDINGS_H
#define INCLUDED_VQDEEPSC_BINDINGS_BINDINGS_H

#include <pybind11/pybind11.h>

namespace gr::vqdeepsc::bindings {

void bind_frame(pybind11::module& m);
void bind_qam(pybind11::module& m);
void bind_channel(pybind11::module& m);
void bind_ldpc(pybind11::module& m);

} // namespace gr::vqdeepsc::bindings

#endif
