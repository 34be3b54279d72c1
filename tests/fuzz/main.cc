/* SPDX-License-Identifier: GPL-3.0-or-later */
// In position of libFuzzer where a compiler has none, with the options of it that are used here:
//   TARGET [-runs=N] [-max_total_time=SECONDS] [FOLDER]
// The files of the folder are inputs, and so are changed copies of them and random bytes, the same
// in each run.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t LONGEST = 4096;

Bytes random_bytes(std::mt19937& generator)
{
    Bytes bytes(generator() % LONGEST);
    for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(generator());
    }
    return bytes;
}

void change(Bytes& bytes, std::mt19937& generator)
{
    for (unsigned changes = 1 + generator() % 8; changes > 0 && !bytes.empty(); --changes) {
        const std::size_t at = generator() % bytes.size();
        switch (generator() % 4) {
        case 0:
            bytes[at] ^= 1U << generator() % 8;
            break;
        case 1:
            bytes[at] = static_cast<std::uint8_t>(generator());
            break;
        case 2:
            bytes.resize(at);
            break;
        default:
            bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(generator()));
        }
    }
}

} // namespace

int main(int argc, char** argv)
{
    unsigned long runs = 0;
    std::chrono::seconds seconds(0);
    std::vector<Bytes> corpus;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument.rfind("-runs=", 0) == 0) {
            runs = std::strtoul(argv[i] + 6, nullptr, 10);
        } else if (argument.rfind("-max_total_time=", 0) == 0) {
            seconds = std::chrono::seconds(std::strtol(argv[i] + 16, nullptr, 10));
        } else {
            for (const auto& entry : std::filesystem::directory_iterator(argument)) {
                std::ifstream file(entry.path(), std::ios::binary);
                corpus.emplace_back(std::istreambuf_iterator<char>(file),
                                    std::istreambuf_iterator<char>());
            }
        }
    }
    for (const auto& input : corpus) {
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::mt19937 generator(1);
    const auto end = std::chrono::steady_clock::now() + seconds;
    unsigned long done = 0;
    for (; done < runs || std::chrono::steady_clock::now() < end; ++done) {
        Bytes input = random_bytes(generator);
        if (!corpus.empty() && generator() % 4 != 0) {
            input = corpus[generator() % corpus.size()];
            change(input, generator);
        }
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%zu inputs of the corpus and %lu more\n", corpus.size(), done);
    return 0;
}
