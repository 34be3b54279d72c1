/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpu_features.h"

#include <stdexcept>

namespace gr::vqdeepsc::kernel {

std::vector<InstructionSet> supported_instruction_sets()
{
    std::vector<InstructionSet> sets;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        sets.push_back(InstructionSet::avx512);
    }
    if (__builtin_cpu_supports("avx2")) {
        sets.push_back(InstructionSet::avx2);
    }
    if (__builtin_cpu_supports("sse4.1")) {
        sets.push_back(InstructionSet::sse41);
    }
#elif defined(__aarch64__)
    sets.push_back(InstructionSet::neon);
#endif
    sets.push_back(InstructionSet::portable);
    return sets;
}

InstructionSet best_instruction_set()
{
    return supported_instruction_sets().front();
}

std::string instruction_set_name(InstructionSet set)
{
    switch (set) {
    case InstructionSet::avx512:
        return "avx512";
    case InstructionSet::avx2:
        return "avx2";
    case InstructionSet::sse41:
        return "sse41";
    case InstructionSet::neon:
        return "neon";
    default:
        return "portable";
    }
}

InstructionSet instruction_set_from_name(const std::string& name)
{
    if (name == "auto") {
        return best_instruction_set();
    }
    for (const InstructionSet set : supported_instruction_sets()) {
        if (instruction_set_name(set) == name) {
            return set;
        }
    }
    throw std::invalid_argument("instruction set '" + name +
                                "' is unknown or not supported by this processor");
}

} // namespace gr::vqdeepsc::kernel
