/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_filter.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <stdexcept>

namespace gr::vqdeepsc::kernel {

namespace {

std::string hexadecimal(std::int64_t number, int digits)
{
    char text[20];
    std::snprintf(text, sizeof(text), "%0*llx", digits, static_cast<unsigned long long>(number));
    return text;
}

std::string format_name(int bits_per_symbol, int code_rate)
{
    return std::to_string(bits_per_symbol) + " bits per symbol at rate " + CODE_RATES[code_rate];
}

} // namespace

BurstFilter::BurstFilter(std::int64_t model,
                         std::int64_t payload_bits,
                         std::int64_t session,
                         const std::vector<std::pair<int, std::string>>& formats)
    : d_model(model), d_payload_bits(payload_bits), d_session(session), d_heard(session)
{
    if (model < ALL || model > 65535) {
        throw std::invalid_argument("model is " + std::to_string(model) +
                                    ", must be 0 to 65535, or -1 for all");
    }
    if (payload_bits < 0 || payload_bits > static_cast<std::int64_t>(MAX_PAYLOAD_BITS)) {
        throw std::invalid_argument("payload_bits is " + std::to_string(payload_bits) +
                                    ", must be 1 to 65535, or 0 for all");
    }
    if (session < FIRST || session > std::numeric_limits<std::uint32_t>::max()) {
        throw std::invalid_argument("session is " + std::to_string(session) +
                                    ", must be 0 to 4294967295, -1 for all or -2 for the first");
    }
    for (const auto& [bits_per_symbol, code_rate] : formats) {
        if (bits_per_symbol != 2 && bits_per_symbol != 4 && bits_per_symbol != 6) {
            throw std::invalid_argument("bits_per_symbol is " + std::to_string(bits_per_symbol) +
                                        ", must be 2, 4 or 6");
        }
        d_formats.emplace_back(bits_per_symbol, code_rate_from_name(code_rate));
    }
}

std::string BurstFilter::refusal(const BurstHeader& header) const
{
    if (d_model >= 0 && header.frame.model != d_model) {
        return "the burst is of model " + hexadecimal(header.frame.model, 4) +
               ", received is model " + hexadecimal(d_model, 4);
    }
    if (d_payload_bits > 0 && header.payload_bits != d_payload_bits) {
        return "the burst has " + std::to_string(header.payload_bits) +
               " payload bits, received are " + std::to_string(d_payload_bits);
    }
    if (d_heard >= 0 && header.frame.session != d_heard) {
        return "the burst is of session " + hexadecimal(header.frame.session, 8) +
               ", received is session " + hexadecimal(d_heard, 8);
    }
    const std::pair<int, int> format(header.bits_per_symbol, header.code_rate);
    if (!d_formats.empty() &&
        std::find(d_formats.begin(), d_formats.end(), format) == d_formats.end()) {
        return "the burst has " + format_name(header.bits_per_symbol, header.code_rate) +
               ", which is not received";
    }
    return {};
}

void BurstFilter::accept(const BurstHeader& header)
{
    if (d_heard == FIRST) {
        d_heard = header.frame.session;
    }
}

} // namespace gr::vqdeepsc::kernel
