/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

/*! For BOOST_CHECK_EXCEPTION: whether the sentence of an error has `part` in it. */
inline auto says(std::string part)
{
    return [part = std::move(part)](const std::invalid_argument& error) {
        return std::string(error.what()).find(part) != std::string::npos;
    };
}
