/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_detector_impl.h"

#include "burst_dictionary.h"
#include <algorithm>
#include <gnuradio/io_signature.h>

namespace gr {
namespace vqdeepsc {

burst_detector::sptr burst_detector::make(float threshold,
                                          bool remove_dc,
                                          double largest_cfo,
                                          int whitening)
{
    return gnuradio::make_block_sptr<burst_detector_impl>(
        threshold, remove_dc, largest_cfo, whitening);
}

int burst_detector::decision_delay()
{
    return kernel::BurstDetector::DECISION_DELAY;
}

burst_detector_impl::burst_detector_impl(float threshold,
                                         bool remove_dc,
                                         double largest_cfo,
                                         int whitening)
    : gr::sync_block("burst_detector",
                     gr::io_signature::make(1, 1, sizeof(gr_complex)),
                     gr::io_signature::make(1, 1, sizeof(gr_complex))),
      d_threshold(threshold),
      d_remove_dc(remove_dc),
      d_largest_cfo(largest_cfo),
      d_whitening(whitening),
      d_detector(threshold, remove_dc, largest_cfo, whitening)
{
    set_tag_propagation_policy(TPP_DONT);
}

bool burst_detector_impl::start()
{
    // A flowgraph that is run again counts its items from the beginning.
    if (nitems_read(0) == 0) {
        d_detector = kernel::BurstDetector(d_threshold, d_remove_dc, d_largest_cfo, d_whitening);
        d_found.clear();
    }
    return gr::sync_block::start();
}

int burst_detector_impl::work(int noutput_items,
                              gr_vector_const_void_star& input_items,
                              gr_vector_void_star& output_items)
{
    const auto* input = static_cast<const gr_complex*>(input_items[0]);
    std::copy_n(input, noutput_items, static_cast<gr_complex*>(output_items[0]));
    d_detector.process(input, noutput_items, d_found);
    const uint64_t end = nitems_written(0) + noutput_items;
    size_t tagged = 0;
    for (; tagged < d_found.size(); ++tagged) {
        const auto& found = d_found[tagged];
        const uint64_t position = found.training_start + decision_delay();
        if (position >= end) {
            break;
        }
        add_item_tag(
            0,
            position,
            pmt::intern("burst"),
            Dictionary()
                .add("cfo", pmt::from_double(found.cfo))
                .add("correlation", pmt::from_double(found.correlation))
                .add("dc", pmt::from_complex(found.dc))
                .add("mirrored", pmt::from_bool(found.mirrored))
                .add("whitening", pmt::init_c32vector(found.whitening.size(), found.whitening))
                .get());
    }
    d_found.erase(d_found.begin(), d_found.begin() + tagged);
    return noutput_items;
}

} // namespace vqdeepsc
} // namespace gr
