// The guard of the store's port. `init.groovy` compiles this text into the package of Gremlin Server, which creates the
// channelizer by its name. Requests are checked before their body is read, so nothing is parsed or evaluated before.
package org.apache.tinkerpop.gremlin.server.channel

import groovy.transform.CompileStatic
import io.netty.channel.ChannelFutureListener
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelInboundHandlerAdapter
import io.netty.channel.ChannelPipeline
import io.netty.handler.codec.http.DefaultFullHttpResponse
import io.netty.handler.codec.http.HttpHeaderNames
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpResponseStatus
import io.netty.handler.codec.http.HttpVersion
import io.netty.handler.codec.http.LastHttpContent
import io.netty.util.ReferenceCountUtil
import java.nio.charset.StandardCharsets
import java.security.MessageDigest

/** Passes the requests of this store's client on, and answers every other request; one instance per connection. */
@CompileStatic
class RequestGuard extends ChannelInboundHandlerAdapter {
    /** The only permitted value of `Authorization`; null until the start has set it, and then nothing is permitted. */
    static volatile byte[] authorization
    private HttpResponseStatus refusal = HttpResponseStatus.UNAUTHORIZED
    private boolean refused

    @Override
    void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest && !refused) {
            refusal = refusalOf((HttpRequest) message)
            refused = refusal != null
        }
        if (refusal == null) {
            context.fireChannelRead(message)
            return
        }
        ReferenceCountUtil.release(message)
        if (message instanceof LastHttpContent) {
            DefaultFullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, refusal)
            response.headers().set(HttpHeaderNames.CONTENT_LENGTH, 0).set(HttpHeaderNames.CONNECTION, 'close')
            context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE)
        }
    }

    /** A browser page sends `Origin`, and the name of a foreign host if that name was bound to this address. */
    private static HttpResponseStatus refusalOf(HttpRequest request) {
        String host = request.headers().get(HttpHeaderNames.HOST)
        boolean local = host != null && (host == '127.0.0.1' || host.startsWith('127.0.0.1:'))
        if (!local || request.headers().contains(HttpHeaderNames.ORIGIN)) return HttpResponseStatus.FORBIDDEN
        String given = request.headers().get(HttpHeaderNames.AUTHORIZATION)
        byte[] bytes = given == null ? new byte[0] : given.getBytes(StandardCharsets.UTF_8)
        boolean known = authorization != null && MessageDigest.isEqual(authorization, bytes)
        return known ? null : HttpResponseStatus.UNAUTHORIZED
    }
}

/** The HTTP channel of Gremlin Server with the guard directly behind the codec. */
@CompileStatic
class GuardedHttpChannelizer extends HttpChannelizer {
    @Override
    void configure(ChannelPipeline pipeline) {
        super.configure(pipeline)
        pipeline.addAfter('http-server', 'request-guard', new RequestGuard())
    }
}
