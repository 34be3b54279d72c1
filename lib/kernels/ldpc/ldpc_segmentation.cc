/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_segmentation.h"
#include "ldpc_base_graph.h"

#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

namespace {

// Beyond this, lengths are mistakes; it also keeps every product below inside 64 bits.
constexpr std::size_t LARGEST_LENGTH = std::size_t(1) << 32;

int choose_base_graph(std::size_t payload_bits, std::size_t coded_bits)
{
    // R = payload / coded compared with 67/100 and 1/4 without rounding (§7.2.2).
    const bool at_most_067 = 100 * payload_bits <= 67 * coded_bits;
    const bool at_most_025 = 4 * payload_bits <= coded_bits;
    const bool second = payload_bits <= 292 || (payload_bits <= 3824 && at_most_067) || at_most_025;
    return second ? 2 : 1;
}

// K_b of §5.2.2: information columns that carry bits, which decides the lifting size.
int occupied_columns(int base_graph, std::size_t bits)
{
    const int all = ldpc_information_columns(base_graph);
    if (base_graph == 1) {
        return all;
    }
    return bits > 640 ? all : bits > 560 ? 9 : bits > 192 ? 8 : 6;
}

int choose_lifting_size(int columns, int block_bits)
{
    for (const int size : ldpc_lifting_sizes()) {
        if (columns * size >= block_bits) {
            return size;
        }
    }
    throw std::logic_error("a code block of " + std::to_string(block_bits) +
                           " bits fits no lifting size");
}

std::vector<std::size_t> share_coded_bits(std::size_t coded_bits, int bits_per_symbol, int blocks)
{
    const std::size_t symbols = coded_bits / bits_per_symbol;
    const std::size_t share = symbols / blocks;
    const std::size_t larger = symbols % blocks;
    std::vector<std::size_t> bits;
    for (int block = 0; block < blocks; block++) {
        const bool one_more = static_cast<std::size_t>(block) >= blocks - larger;
        bits.push_back((share + one_more) * bits_per_symbol);
    }
    bits.back() += coded_bits % bits_per_symbol;
    return bits;
}

} // namespace

LdpcSegmentation::LdpcSegmentation(std::size_t payload, std::size_t coded, int per_symbol)
    : payload_bits(payload), coded_bits(coded), bits_per_symbol(per_symbol)
{
    if (payload_bits < 1 || payload_bits > LARGEST_LENGTH) {
        throw std::invalid_argument("payload_bits is " + std::to_string(payload_bits) +
                                    " and must be between 1 and " + std::to_string(LARGEST_LENGTH));
    }
    if (coded_bits < payload_bits || coded_bits > LARGEST_LENGTH) {
        throw std::invalid_argument("coded_bits is " + std::to_string(coded_bits) +
                                    " and must be between payload_bits, which is " +
                                    std::to_string(payload_bits) + ", and " +
                                    std::to_string(LARGEST_LENGTH));
    }
    if (bits_per_symbol != 1 && bits_per_symbol != 2 && bits_per_symbol != 4 &&
        bits_per_symbol != 6 && bits_per_symbol != 8) {
        throw std::invalid_argument("bits_per_symbol is " + std::to_string(bits_per_symbol) +
                                    " and must be 1, 2, 4, 6 or 8");
    }
    base_graph = choose_base_graph(payload_bits, coded_bits);
    transport_crc = payload_bits > 3824 ? &crc24a() : &crc16();

    const std::size_t largest_block = base_graph == 1 ? 8448 : 3840;
    const std::size_t unpadded = payload_bits + transport_crc->length();
    if (unpadded <= largest_block) {
        blocks = 1;
        padding_bits = 0;
        block_crc = nullptr;
        block_bits = static_cast<int>(unpadded);
    } else {
        block_crc = &crc24b();
        const std::size_t content = largest_block - block_crc->length();
        const std::size_t count = (unpadded + content - 1) / content;
        blocks = static_cast<int>(count);
        padding_bits = (count - unpadded % count) % count;
        block_bits = static_cast<int>((unpadded + padding_bits) / count) + block_crc->length();
    }
    if (coded_bits / bits_per_symbol < static_cast<std::size_t>(blocks)) {
        throw std::invalid_argument("coded_bits is " + std::to_string(coded_bits) +
                                    ", which is less than one symbol of " +
                                    std::to_string(bits_per_symbol) + " bits for each of " +
                                    std::to_string(blocks) + " code blocks");
    }
    lifting_size = choose_lifting_size(occupied_columns(base_graph, unpadded), block_bits);
    information_bits = ldpc_information_columns(base_graph) * lifting_size;
    coded_block_bits = share_coded_bits(coded_bits, bits_per_symbol, blocks);
}

void LdpcSegmentation::require_room() const
{
    if (coded_block_bits.front() < static_cast<std::size_t>(block_bits)) {
        throw std::invalid_argument("coded_bits is " + std::to_string(coded_bits) +
                                    ", in which there is no room for the " +
                                    std::to_string(blocks) + " code block(s) of " +
                                    std::to_string(block_bits) + " bits with CRC");
    }
}

} // namespace gr::vqdeepsc::kernel
