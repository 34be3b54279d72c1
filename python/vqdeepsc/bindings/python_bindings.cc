/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pybind11/pybind11.h>

namespace py = pybind11;

// `gr_modtool add` names new blocks between these marks.
// BINDING_FUNCTION_PROTOTYPES(
void bind_burst_decoder(py::module& m);
void bind_burst_demodulator(py::module& m);
void bind_burst_detector(py::module& m);
void bind_burst_modulator(py::module& m);
void bind_csi_equalizer(py::module& m);
void bind_fading_channel(py::module& m);
void bind_hier_ports(py::module& m);
void bind_ldpc_decoder(py::module& m);
void bind_ldpc_encoder(py::module& m);
void bind_ldpc_fec_decoder(py::module& m);
void bind_ldpc_fec_encoder(py::module& m);
void bind_pmt_arrays(py::module& m);
void bind_qam_soft_demapper(py::module& m);
void bind_zero_fill(py::module& m);
// ) END BINDING_FUNCTION_PROTOTYPES

PYBIND11_MODULE(vqdeepsc_python, m)
{
    m.doc() = "C++ blocks of gr-vqdeepsc";
    // Registers the bases that the classes below derive from.
    py::module::import("gnuradio.gr");
    py::module::import("gnuradio.fec");
    py::module::import("pmt");
    // BINDING_FUNCTION_CALLS(
    bind_burst_decoder(m);
    bind_burst_demodulator(m);
    bind_burst_detector(m);
    bind_burst_modulator(m);
    bind_csi_equalizer(m);
    bind_fading_channel(m);
    bind_hier_ports(m);
    bind_ldpc_decoder(m);
    bind_ldpc_encoder(m);
    bind_ldpc_fec_decoder(m);
    bind_ldpc_fec_encoder(m);
    bind_pmt_arrays(m);
    bind_qam_soft_demapper(m);
    bind_zero_fill(m);
    // ) END BINDING_FUNCTION_CALLS
}
