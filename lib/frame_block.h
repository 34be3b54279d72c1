/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <algorithm>
#include <cstring>
#include <gnuradio/block.h>
#include <pmt/pmt.h>
#include <string>
#include <vector>

namespace gr {
namespace vqdeepsc {

/*!
 * Cuts a stream into frames of a fixed length that begin at a tag, hands each complete frame
 * to process_frame() and streams out what that returns. Frames may be larger than the
 * scheduler's buffers. Base is the public block class.
 */
template <typename Base>
class frame_block : public Base
{
public:
    bool start() override
    {
        // A flowgraph that is run again counts its items from the beginning.
        if (this->nitems_read(0) == 0) {
            d_filled = 0;
            d_sent = d_output_items;
        }
        return Base::start();
    }

    void forecast(int, gr_vector_int& required) override { required[0] = sending() ? 0 : 1; }

    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& inputs,
                     gr_vector_void_star& outputs) override
    {
        const char* input = static_cast<const char*>(inputs[0]);
        uint64_t taken = 0;
        while (!sending() && taken < static_cast<uint64_t>(ninput_items[0])) {
            taken += collect(input + taken * d_input_item_size,
                             this->nitems_read(0) + taken,
                             ninput_items[0] - taken);
        }
        this->consume(0, static_cast<int>(taken));
        return sending() ? send(static_cast<char*>(outputs[0]), noutput_items) : 0;
    }

protected:
    frame_block(size_t input_items,
                size_t input_item_size,
                size_t output_items,
                size_t output_item_size,
                const std::string& frame_tag)
        : d_input_item_size(input_item_size),
          d_output_item_size(output_item_size),
          d_input_items(input_items),
          d_output_items(output_items),
          d_input_frame(input_items * input_item_size),
          d_output_frame(output_items * output_item_size),
          d_frame_tag(pmt::intern(frame_tag)),
          d_tagged(!frame_tag.empty()),
          d_sent(output_items)
    {
        this->set_tag_propagation_policy(gr::block::TPP_DONT);
    }

    //! Turns one frame into another; may change the tags, which go to its first output item.
    virtual void process_frame(const char* input, char* output, std::vector<gr::tag_t>& tags) = 0;

    //! Called by process_frame() for a frame that must not go out.
    void drop_frame() { d_dropped = true; }

    //! Called when the last item of a frame goes out, with its number in the output stream.
    virtual void frame_sent(uint64_t) {}

    const pmt::pmt_t& frame_tag() const { return d_frame_tag; }

private:
    bool sending() const { return d_sent < d_output_items; }

    // The offset of the first frame tag in [from, to), or to.
    uint64_t next_start(uint64_t from, uint64_t to)
    {
        std::vector<gr::tag_t> tags;
        this->get_tags_in_range(tags, 0, from, to, d_frame_tag);
        for (const auto& tag : tags) {
            to = std::min(to, tag.offset);
        }
        return to;
    }

    // Takes items up to the end of a frame; returns how many. Offset is that of input[0].
    uint64_t collect(const char* input, uint64_t offset, uint64_t available)
    {
        if (d_filled == 0) {
            if (d_tagged) {
                const uint64_t start = next_start(offset, offset + available);
                if (start > offset) {
                    return start - offset;
                }
            }
            d_tags.clear();
            this->get_tags_in_range(d_tags, 0, offset, offset + 1);
        }
        const uint64_t items = std::min<uint64_t>(d_input_items - d_filled, available);
        if (d_tagged) {
            const uint64_t from = d_filled == 0 ? offset + 1 : offset;
            const uint64_t cut = next_start(from, offset + items);
            if (cut < offset + items) {
                this->d_logger->warn("a frame of {:d} instead of {:d} items was dropped",
                                     d_filled + (cut - offset),
                                     d_input_items);
                d_filled = 0;
                return cut - offset;
            }
        }
        std::memcpy(
            d_input_frame.data() + d_filled * d_input_item_size, input, items * d_input_item_size);
        d_filled += items;
        if (d_filled == d_input_items) {
            d_dropped = false;
            process_frame(d_input_frame.data(), d_output_frame.data(), d_tags);
            d_filled = 0;
            d_sent = d_dropped ? d_output_items : 0;
        }
        return items;
    }

    int send(char* output, int space)
    {
        if (d_sent == 0) {
            for (const auto& tag : d_tags) {
                this->add_item_tag(0, this->nitems_written(0), tag.key, tag.value, tag.srcid);
            }
        }
        const size_t items = std::min<size_t>(d_output_items - d_sent, space);
        std::memcpy(output,
                    d_output_frame.data() + d_sent * d_output_item_size,
                    items * d_output_item_size);
        d_sent += items;
        if (!sending()) {
            frame_sent(this->nitems_written(0) + items - 1);
        }
        return static_cast<int>(items);
    }

    const size_t d_input_item_size;
    const size_t d_output_item_size;
    const size_t d_input_items;
    const size_t d_output_items;
    std::vector<char> d_input_frame;
    std::vector<char> d_output_frame;
    const pmt::pmt_t d_frame_tag;
    const bool d_tagged;
    std::vector<gr::tag_t> d_tags;
    size_t d_filled = 0;
    size_t d_sent;
    bool d_dropped = false;
};

} // namespace vqdeepsc
} // namespace gr
