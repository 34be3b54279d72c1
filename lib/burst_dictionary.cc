/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_dictionary.h"

namespace gr {
namespace vqdeepsc {

namespace {

struct Field {
    const char* key;
    int kernel::BurstHeader::* value;
};

constexpr Field FIELDS[] = { { "picture", &kernel::BurstHeader::picture },
                             { "width", &kernel::BurstHeader::width },
                             { "height", &kernel::BurstHeader::height },
                             { "region", &kernel::BurstHeader::region },
                             { "model", &kernel::BurstHeader::model } };

} // namespace

std::string read_frame(const pmt::pmt_t& dictionary, kernel::BurstHeader& header)
{
    if (!pmt::is_dict(dictionary)) {
        return "the frame has no dictionary";
    }
    for (const Field& field : FIELDS) {
        const auto value = pmt::dict_ref(dictionary, pmt::intern(field.key), pmt::PMT_NIL);
        if (!pmt::is_integer(value)) {
            return std::string("the dictionary has no integer '") + field.key + "'";
        }
        const long number = pmt::to_long(value);
        header.*field.value = static_cast<int>(number);
        if (header.*field.value != number) {
            return std::string("'") + field.key + "' is " + std::to_string(number);
        }
    }
    return header.fault();
}

pmt::pmt_t frame_dictionary(const kernel::BurstHeader& header)
{
    Dictionary dictionary;
    for (const Field& field : FIELDS) {
        dictionary.add(field.key, pmt::from_long(header.*field.value));
    }
    return dictionary.get();
}

} // namespace vqdeepsc
} // namespace gr
