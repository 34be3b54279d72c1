/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_TRANSPORT_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_TRANSPORT_H

#include "kernels/base/cpu_features.h"
#include "ldpc_block_encoder.h"
#include "ldpc_rate_matching.h"
#include "ldpc_segmentation.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Of a code block, in any decoder. */
constexpr int MOST_ITERATIONS = 1000;

/*! The number itself; throws std::invalid_argument unless it is 1 to MOST_ITERATIONS. */
int checked_iterations(int iterations);

/*! Payload to coded bits of one 5G NR transport block (3GPP TS 38.212 §5.1-5.5, §7.2).
 *
 * Attaches CRCs, cuts code blocks, encodes, matches the rate and interleaves. An object serves
 * one thread at a time; different objects share nothing.
 */
class TransportEncoder
{
public:
    /*! Parameters as in LdpcSegmentation; redundancy_version 0 to 3.
     * \throws std::invalid_argument naming the value that is out of range
     */
    TransportEncoder(std::size_t payload_bits,
                     std::size_t coded_bits,
                     int bits_per_symbol = 4,
                     int redundancy_version = 0);

    const LdpcSegmentation& segmentation() const { return d_segmentation; }

    /*! payload_bits bytes, of which the lowest bit counts -> coded_bits bytes, each 0 or 1. */
    void encode(const std::uint8_t* payload, std::uint8_t* coded);

    /*! \throws std::invalid_argument unless redundancy_version is 0 to 3 */
    void set_redundancy_version(int redundancy_version);

private:
    LdpcSegmentation d_segmentation;
    LdpcBlockEncoder d_block_encoder;
    LdpcRateMatching d_rate_matching;
    std::vector<std::uint8_t> d_transport_block;
    std::vector<std::uint8_t> d_codeword;
};

/*! What became of a code block. */
struct CodeBlockResult {
    int iterations;
    bool crc_ok; //!< of its CRC24B, or of the transport block's CRC where it is the only one
};

/*! What became of a transport block. */
struct TransportDecoderResult {
    bool crc_ok;      //!< every CRC holds, so the payload is right
    int block_errors; //!< code blocks whose CRC fails
    int blocks;       //!< code blocks of the transport block
    float iterations; //!< mean of the code blocks
};

/*! LLRs of the coded bits to payload, the inverse of TransportEncoder.
 *
 * LLR = ln P(bit = 1) / P(bit = 0), true to scale: the decoder works in steps of a fixed size.
 * NaN counts as 0; large and infinite values are clipped. An object serves one thread at a time;
 * different objects share nothing.
 */
class TransportDecoder
{
public:
    /*! Width of the decoder's messages. */
    enum class Precision {
        int8, //!< fastest
        int16 //!< half as fast, with finer steps and no saturation
    };

    /*! When a code block is finished before the last iteration. */
    enum class EarlyStop {
        none,   //!< never
        parity, //!< the core rows of the parity check matrix are fulfilled
        crc     //!< so is the code block's CRC
    };

    struct Options {
        Precision precision = Precision::int8;
        EarlyStop early_stop = EarlyStop::crc;
        InstructionSet instruction_set = best_instruction_set();
    };

    /*! Parameters as in TransportEncoder; most iterations of a code block, 1 to 1,000.
     * \throws std::invalid_argument naming the value that is out of range
     */
    TransportDecoder(std::size_t payload_bits,
                     std::size_t coded_bits,
                     int bits_per_symbol = 4,
                     int redundancy_version = 0,
                     int iterations = 20);
    TransportDecoder(std::size_t payload_bits,
                     std::size_t coded_bits,
                     int bits_per_symbol,
                     int redundancy_version,
                     int iterations,
                     const Options& options);
    ~TransportDecoder();
    TransportDecoder(TransportDecoder&&) noexcept;
    TransportDecoder& operator=(TransportDecoder&&) noexcept;

    const LdpcSegmentation& segmentation() const { return d_segmentation; }

    int iterations() const { return d_iterations; }
    /*! \throws std::invalid_argument unless iterations is 1 to 1,000 */
    void set_iterations(int iterations);

    /*! Of the code blocks decoded last, in their order; empty before. */
    const std::vector<CodeBlockResult>& block_results() const { return d_block_results; }

    /*! Decodes one transmission.
     * \param llrs coded_bits LLRs
     * \param payload payload_bits decisions, each 0 or 1, or null
     * \param posterior payload_bits a-posteriori LLRs in the scale of the input, clipped to about
     *        +-25 (int8) or +-4,095 (int16), these where the code block's CRC holds, or null
     */
    TransportDecoderResult decode(const float* llrs,
                                  std::uint8_t* payload,
                                  float* posterior = nullptr);

    /*! Forgets what add_llrs() collected. */
    void reset();

    /*! Adds a transmission of the same payload to those since reset().
     * \param redundancy_version 0 to 3
     * \param llrs coded_bits LLRs
     */
    void add_llrs(int redundancy_version, const float* llrs);

    /*! Decodes the sum of all transmissions since reset(); outputs as in decode(). */
    TransportDecoderResult decode_combined(std::uint8_t* payload, float* posterior = nullptr);

private:
    class Blocks;
    template <typename Element>
    class BlocksOf;

    LdpcSegmentation d_segmentation;
    int d_redundancy_version;
    int d_iterations;
    std::vector<LdpcRateMatching> d_rate_matching; //!< by redundancy version
    std::size_t d_buffer_bits;                     //!< LLRs of one code block
    std::vector<float> d_buffers;                  //!< of all code blocks
    std::vector<bool> d_used_columns;              //!< of the code, as received since reset()
    std::vector<std::uint8_t> d_block;
    std::vector<std::uint8_t> d_transport_block;
    std::vector<float> d_transport_posterior;
    std::vector<CodeBlockResult> d_block_results;
    std::unique_ptr<Blocks> d_blocks;
};

} // namespace gr::vqdeepsc::kernel

#endif
