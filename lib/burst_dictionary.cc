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
