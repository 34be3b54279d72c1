/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One kernel, some calls: instructions WORK INSTRUCTION_SET CALLS. instructions.py counts what the
 * processor does between one call and two. */
#include "kernels/channel/complex_gaussian.h"
#include "kernels/ldpc/ldpc_block_decoder.h"
#include "kernels/qam/qam_demapper.h"

#include <complex>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

constexpr std::size_t SYMBOLS = 1024;

// One iteration over base graph 1 with Z = 352, eleven turns of a 256-bit vector.
template <typename Element>
void iterate(InstructionSet set, int calls)
{
    const LdpcCode code = make_ldpc_code(1, 352);
    LdpcBlockDecoder<Element> decoder(code, std::vector<bool>(code.columns(), true), set);
    std::vector<float> llrs((code.columns() - 2) * code.lifting_size);
    complex_gaussian(InstructionSet::portable, 1, 0, 0, llrs.size() / 4, llrs.data());
    decoder.load(llrs.data(), 0, 0);
    for (int call = 0; call < calls; call++) {
        decoder.iterate();
    }
}

void demap(QamDemapper::Method method, InstructionSet set, int calls)
{
    const QamDemapper demapper(4, method, set);
    const std::vector<std::complex<float>> symbols(SYMBOLS, { 0.3f, -0.8f });
    std::vector<float> llrs(4 * SYMBOLS);
    for (int call = 0; call < calls; call++) {
        demapper.demap(symbols.data(), SYMBOLS, 0.1f, llrs.data());
    }
}

void add_noise(InstructionSet set, int calls)
{
    std::vector<float> values(2 * SYMBOLS);
    for (int call = 0; call < calls; call++) {
        complex_gaussian(set, 1, 0, 0, SYMBOLS / 2, values.data());
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::cerr << "instructions WORK INSTRUCTION_SET CALLS\n";
        return 2;
    }
    const std::string work = argv[1];
    const InstructionSet set = instruction_set_from_name(argv[2]);
    const int calls = std::atoi(argv[3]);
    if (work == "int8") {
        iterate<std::int8_t>(set, calls);
    } else if (work == "int16") {
        iterate<std::int16_t>(set, calls);
    } else if (work == "maxlog" || work == "exact") {
        demap(demapper_method_from_name(work), set, calls);
    } else if (work == "gaussian") {
        add_noise(set, calls);
    } else {
        std::cerr << "'" << work << "' is no kernel\n";
        return 2;
    }
    return 0;
}
