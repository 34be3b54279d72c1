/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_dictionary.h"

namespace gr {
namespace vqdeepsc {

std::string read_frame(const pmt::pmt_t& dictionary, kernel::FrameHeader& header)
{
    if (!pmt::is_dict(dictionary)) {
        return "the frame has no dictionary";
    }
    for (const auto& field : kernel::FRAME_FIELDS) {
        const auto value = pmt::dict_ref(dictionary, pmt::intern(field.name), pmt::PMT_NIL);
        if (!pmt::is_integer(value)) {
            return std::string("the dictionary has no integer '") + field.name + "'";
        }
        const long number = pmt::to_long(value);
        header.*field.value = static_cast<std::uint32_t>(number);
        if (header.*field.value != number) {
            return std::string("'") + field.name + "' is " + std::to_string(number);
        }
    }
    return header.error();
}

std::string read_redundancy_version(const std::vector<gr::tag_t>& tags,
                                    const pmt::pmt_t& key,
                                    int& redundancy_version)
{
    const char* const name = "redundancy_version";
    for (const auto& tag : tags) {
        if (!pmt::eq(tag.key, key) || !pmt::is_dict(tag.value)) {
            continue;
        }
        const auto value = pmt::dict_ref(tag.value, pmt::intern(name), pmt::PMT_NIL);
        if (pmt::is_null(value)) {
            continue;
        }
        if (!pmt::is_integer(value) || pmt::to_long(value) < 0 || pmt::to_long(value) > 3) {
            return std::string("'") + name + "' is " + pmt::write_string(value) +
                   ", must be 0 to 3";
        }
        redundancy_version = static_cast<int>(pmt::to_long(value));
    }
    return {};
}

pmt::pmt_t frame_dictionary(const kernel::FrameHeader& header)
{
    Dictionary dictionary;
    for (const auto& field : kernel::FRAME_FIELDS) {
        dictionary.add(field.name, pmt::from_long(header.*field.value));
    }
    return dictionary.get();
}

} // namespace vqdeepsc
} // namespace gr
