/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/blocks/vector_sink.h>
#include <gnuradio/blocks/vector_source.h>
#include <gnuradio/top_block.h>
#include <gnuradio/vqdeepsc/ldpc_decoder.h>
#include <gnuradio/vqdeepsc/ldpc_encoder.h>

#include <cstdint>
#include <vector>

int main()
{
    std::vector<std::uint8_t> payload(1000);
    for (std::size_t i = 0; i < payload.size(); ++i) {
        payload[i] = i * i % 7 & 1;
    }
    auto encoder = gr::vqdeepsc::ldpc_encoder::make(1000, 3000, 4, 0, "");
    auto coded = gr::blocks::vector_sink_b::make();
    auto transmitter = gr::make_top_block("transmitter");
    transmitter->connect(gr::blocks::vector_source_b::make(payload), 0, encoder, 0);
    transmitter->connect(encoder, 0, coded, 0);
    transmitter->run();

    std::vector<float> llrs;
    for (const auto bit : coded->data()) {
        const bool wrong = llrs.size() % 20 == 0;
        llrs.push_back((bit != 0) != wrong ? 2.0f : -2.0f);
    }
    auto decoder = gr::vqdeepsc::ldpc_decoder::make(1000, 3000, 4, 0, 20, false, "");
    auto decoded = gr::blocks::vector_sink_b::make();
    auto receiver = gr::make_top_block("receiver");
    receiver->connect(gr::blocks::vector_source_f::make(llrs), 0, decoder, 0);
    receiver->connect(decoder, 0, decoded, 0);
    receiver->run();
    return decoded->data() == payload ? 0 : 1;
}
