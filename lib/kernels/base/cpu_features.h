/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_CPU_FEATURES_H
#define INCLUDED_VQDEEPSC_KERNEL_CPU_FEATURES_H

#include <string>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Instruction sets that kernels are compiled for; all give the same output bits. */
enum class InstructionSet {
    portable, //!< the compiler's baseline for the machine
    sse41,    //!< SSE4.1; a kernel without code for it takes its portable code
    avx2,     //!< AVX2 (x86-64-v3 without FMA)
    avx512,   //!< AVX-512 F, BW, DQ and VL
    neon      //!< the vectors of 64-bit ARM, which its portable code has too
};

/*! Instruction sets that were compiled in and that this processor runs, fastest first. */
std::vector<InstructionSet> supported_instruction_sets();

/*! The fastest supported instruction set. */
InstructionSet best_instruction_set();

/*! "portable", "sse41", "avx2", "avx512" or "neon". */
std::string instruction_set_name(InstructionSet set);

/*! Reads a name that instruction_set_name() gives, or "auto" for the fastest.
 * \throws std::invalid_argument if the name is unknown or this processor does not run the set
 */
InstructionSet instruction_set_from_name(const std::string& name);

} // namespace gr::vqdeepsc::kernel

#endif
