/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/base/frame_header.h"
#include <gnuradio/tags.h>
#include <pmt/pmt.h>
#include <string>
#include <vector>

namespace gr {
namespace vqdeepsc {

//! Reads the fields of a frame header; returns what is wrong, or an empty string.
std::string read_frame(const pmt::pmt_t& dictionary, kernel::FrameHeader& header);

//! The dictionary with the fields of a frame header.
pmt::pmt_t frame_dictionary(const kernel::FrameHeader& header);

//! Reads the redundancy version of a frame where the dictionary of its tag, of that key, has one;
//! returns what is wrong, or an empty string.
std::string read_redundancy_version(const std::vector<gr::tag_t>& tags,
                                    const pmt::pmt_t& key,
                                    int& redundancy_version);

//! A dictionary that grows entry by entry.
class Dictionary
{
public:
    explicit Dictionary(pmt::pmt_t initial = pmt::make_dict()) : d_dictionary(std::move(initial)) {}

    Dictionary& add(const char* key, const pmt::pmt_t& value)
    {
        d_dictionary = pmt::dict_add(d_dictionary, pmt::intern(key), value);
        return *this;
    }
    const pmt::pmt_t& get() const { return d_dictionary; }

private:
    pmt::pmt_t d_dictionary;
};

} // namespace vqdeepsc
} // namespace gr
