/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the docstring templates of gr_modtool ask for: DOC(gr, vqdeepsc, block, make) is the
 * variable
 * __doc_gr_vqdeepsc_block_make. */
#define DOC2(a, b) __doc_##a##_##b
#define DOC3(a, b, c) __doc_##a##_##b##_##c
#define DOC4(a, b, c, d) __doc_##a##_##b##_##c##_##d
#define DOC5(a, b, c, d, e) __doc_##a##_##b##_##c##_##d##_##e
#define DOC_OF_COUNT(a, b, c, d, e, name, ...) name
#define DOC(...) DOC_OF_COUNT(__VA_ARGS__, DOC5, DOC4, DOC3, DOC2, none)(__VA_ARGS__)
