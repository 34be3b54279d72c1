/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/attributes.h>

#ifdef gnuradio_vqdeepsc_EXPORTS
#define VQDEEPSC_API __GR_ATTR_EXPORT
#else
#define VQDEEPSC_API __GR_ATTR_IMPORT
#endif
